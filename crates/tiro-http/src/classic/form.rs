//! Forms as Rails clients send them, read as the JSON that they stand for.
//!
//! `a=1&message[body]=x` is `{"a":"1","message":{"body":"x"}}`: every value is a text, the last of a name counts.

use serde_json::{Map, Value};
use tiro_api::Code;

use crate::problem::Problem;
use crate::query::decoded;

/// The JSON text of a form. What lies deeper than one level is left out: no route has a member there.
///
/// # Errors
/// 400 unless names and values are UTF-8.
pub(super) fn to_json(form: &[u8]) -> Result<String, Problem> {
    let malformed = || Problem::new(Code::MalformedRequest, "the form is not UTF-8");
    let form = str::from_utf8(form).map_err(|_| malformed())?;
    let mut members = Map::new();
    for pair in form.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).ok_or_else(malformed)?;
        let value = Value::String(decoded(value).ok_or_else(malformed)?);
        match name.split_once('[') {
            None => {
                members.insert(name, value);
            }
            Some((outer, rest)) => {
                if let Some(inner) = rest.strip_suffix(']').filter(|inner| !inner.contains('[')) {
                    insert_within(&mut members, outer, inner, value);
                }
            }
        }
    }
    Ok(Value::Object(members).to_string())
}

fn insert_within(members: &mut Map<String, Value>, outer: &str, inner: &str, value: Value) {
    let entry = members.entry(outer).or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    if let Value::Object(object) = entry {
        object.insert(inner.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_wrapped_names_become_members() {
        for (form, json) in [
            ("", "{}"),
            ("body=a+b%26c", r#"{"body":"a b&c"}"#),
            (
                "message[body]=x&message%5Bsender%5D=y",
                r#"{"message":{"body":"x","sender":"y"}}"#,
            ),
            ("body=1&body=2", r#"{"body":"2"}"#),
            ("message=1&message[body]=2", r#"{"message":{"body":"2"}}"#),
            ("a[b][c]=1&a[]=2&x[y=3&=4", r#"{"":"4","a":{"":"2"}}"#),
        ] {
            assert_eq!(to_json(form.as_bytes()).unwrap(), json, "{form}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        for wrong in [b"a=%ff".as_slice(), b"\xff=1"] {
            assert_eq!(to_json(wrong).unwrap_err().code(), Code::MalformedRequest);
        }
    }
}
