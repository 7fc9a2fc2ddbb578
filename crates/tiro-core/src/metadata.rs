//! Metadata: one JSON object that a client attaches, kept in the spelling in which it came.

use std::sync::Arc;

use crate::{Fault, Limits, json};

/// A JSON object without white space outside strings and without duplicate members; order of members, spelling
/// of numbers and escapes are as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(Arc<str>);

impl Metadata {
    /// Checks metadata and drops white space.
    ///
    /// # Errors
    /// Not a JSON object, a duplicate member at any depth, U+0000, half of a surrogate pair, nested too deep, or
    /// more than [`Limits::metadata_bytes_max`] bytes.
    pub fn parse(text: &str, limits: &Limits) -> Result<Metadata, Fault> {
        Metadata::bounded(Metadata::object(text)?, limits)
    }

    /// A merge patch (RFC 7396) for metadata: like metadata, but only its result is bound in size.
    ///
    /// # Errors
    /// As [`Metadata::parse`], without the bound.
    pub fn parse_patch(text: &str) -> Result<Metadata, Fault> {
        Metadata::object(text).map(|object| Metadata(object.into()))
    }

    /// Metadata that an engine stored before, and so was checked then.
    #[must_use]
    pub fn stored(text: &str) -> Metadata {
        Metadata(text.into())
    }

    /// The object's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This metadata after a merge patch (RFC 7396). Untouched members keep their text and place, changed ones
    /// keep their place, new ones are appended.
    ///
    /// # Errors
    /// [`Fault::TooManyBytes`] if the result is longer than [`Limits::metadata_bytes_max`].
    pub fn merged(&self, patch: &Metadata, limits: &Limits) -> Result<Metadata, Fault> {
        Metadata::bounded(merge(&self.0, &patch.0)?, limits)
    }

    /// The empty object.
    #[must_use]
    pub fn empty() -> Metadata {
        Metadata("{}".into())
    }

    fn object(text: &str) -> Result<String, Fault> {
        let minified = json::minify(text)?;
        if minified.starts_with('{') {
            Ok(minified)
        } else {
            Err(Fault::NotAnObject)
        }
    }

    fn bounded(text: String, limits: &Limits) -> Result<Metadata, Fault> {
        let max = limits.metadata_bytes_max;
        if text.len() > max {
            return Err(Fault::TooManyBytes {
                max,
                actual: text.len(),
            });
        }
        Ok(Metadata(text.into()))
    }
}

/// RFC 7396 `MergePatch(target, patch)` where the patch is an object; a target that is none counts as `{}`.
fn merge(target: &str, patch: &str) -> Result<String, Fault> {
    let old = if target.starts_with('{') {
        json::members(target)?
    } else {
        Vec::new()
    };
    let patch = json::members(patch)?;
    let mut merged = String::from("{");
    let mut push = |raw_name: &str, value: &str| {
        if merged.len() > 1 {
            merged.push(',');
        }
        merged.push_str(raw_name);
        merged.push(':');
        merged.push_str(value);
    };
    for member in &old {
        match patch.iter().find(|change| change.name == member.name) {
            None => push(member.raw_name, member.value),
            Some(change) if change.value == "null" => {}
            Some(change) if change.value.starts_with('{') => {
                push(member.raw_name, &merge(member.value, change.value)?);
            }
            Some(change) => push(member.raw_name, change.value),
        }
    }
    for change in &patch {
        let known = old.iter().any(|member| member.name == change.name);
        if known || change.value == "null" {
            continue;
        }
        if change.value.starts_with('{') {
            push(change.raw_name, &merge("{}", change.value)?);
        } else {
            push(change.raw_name, change.value);
        }
    }
    merged.push('}');
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, Fault> {
        Metadata::parse(text, &Limits::default()).map(|metadata| metadata.as_str().to_owned())
    }

    fn merged(target: &str, patch: &str) -> String {
        merge(target, patch).unwrap()
    }

    #[test]
    fn white_space_goes_and_everything_else_stays_as_spelled() {
        let received = " {\"b\" : 1.50e+1 ,\n\t\"a\":[ 1 , \"x \\u00e9 \\n\" ], \"c\": { } } ";
        assert_eq!(
            parse(received).unwrap(),
            "{\"b\":1.50e+1,\"a\":[1,\"x \\u00e9 \\n\"],\"c\":{}}"
        );
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for wrong in ["[]", "1", "\"a\"", "null", "true"] {
            assert_eq!(parse(wrong), Err(Fault::NotAnObject), "{wrong}");
        }
        for wrong in [
            "",
            "{",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":tru}",
            "{'a':1}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":[1,]}",
            "{\"a\":[,]}",
            "{\"a\":1e}",
            "{\"a\":-}",
            "{\"a\":NaN}",
        ] {
            assert_eq!(parse(wrong), Err(Fault::NotJson), "{wrong}");
        }
    }

    #[test]
    fn duplicate_members_are_found_at_any_depth_and_behind_escapes() {
        assert_eq!(
            parse("{\"a\":1,\"\\u0061\":2}"),
            Err(Fault::DuplicateMember("a".into()))
        );
        assert_eq!(
            parse("{\"x\":[{\"k\":1,\"k\":1}]}"),
            Err(Fault::DuplicateMember("k".into()))
        );
    }

    #[test]
    fn nul_and_half_surrogates_are_refused_and_pairs_accepted() {
        assert_eq!(parse("{\"a\":\"\\u0000\"}"), Err(Fault::Nul));
        for wrong in [
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"\\udc00\"}",
        ] {
            assert_eq!(parse(wrong), Err(Fault::LoneSurrogate), "{wrong}");
        }
        assert!(parse("{\"a\":\"\\ud83d\\ude00\"}").is_ok());
    }

    #[test]
    fn size_and_depth_are_accepted_at_the_limit_and_refused_one_above() {
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(parse(&sized(4_096)).is_ok());
        assert_eq!(
            parse(&sized(4_097)),
            Err(Fault::TooManyBytes {
                max: 4_096,
                actual: 4_097
            })
        );
        let deep = |levels: usize| {
            format!(
                "{}{}",
                "{\"a\":".repeat(levels - 1) + "{}",
                "}".repeat(levels - 1)
            )
        };
        assert!(parse(&deep(METADATA_DEPTH)).is_ok());
        assert_eq!(parse(&deep(METADATA_DEPTH + 1)), Err(Fault::TooDeep));
    }

    const METADATA_DEPTH: usize = crate::METADATA_DEPTH_MAX;

    #[test]
    fn the_merge_follows_the_examples_of_rfc_7396() {
        assert_eq!(merged(r#"{"a":"b"}"#, r#"{"a":"c"}"#), r#"{"a":"c"}"#);
        assert_eq!(merged(r#"{"a":"b"}"#, r#"{"b":"c"}"#), r#"{"a":"b","b":"c"}"#);
        assert_eq!(merged(r#"{"a":"b"}"#, r#"{"a":null}"#), "{}");
        assert_eq!(merged(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#), r#"{"b":"c"}"#);
        assert_eq!(merged(r#"{"a":["b"]}"#, r#"{"a":"c"}"#), r#"{"a":"c"}"#);
        assert_eq!(
            merged(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#),
            r#"{"a":{"b":"d"}}"#
        );
        assert_eq!(merged(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#), r#"{"a":[1]}"#);
        assert_eq!(merged(r#"{"e":null}"#, r#"{"a":1}"#), r#"{"e":null,"a":1}"#);
        assert_eq!(merged("{}", r#"{"a":{"bb":{"ccc":null}}}"#), r#"{"a":{"bb":{}}}"#);
        assert_eq!(
            merged(r#"{"a":"foo"}"#, r#"{"a":{"b":1,"c":null}}"#),
            r#"{"a":{"b":1}}"#
        );
    }

    #[test]
    fn untouched_members_keep_their_spelling_and_their_place() {
        assert_eq!(
            merged("{\"n\":1.0e0,\"\\u0061\":2,\"z\":3}", "{\"a\":4,\"new\":5}"),
            "{\"n\":1.0e0,\"\\u0061\":4,\"z\":3,\"new\":5}"
        );
    }

    #[test]
    fn a_merge_that_grows_past_the_limit_is_refused() {
        let limits = Limits {
            metadata_bytes_max: 12,
            ..Limits::default()
        };
        let old = Metadata::parse("{\"a\":1}", &limits).unwrap();
        assert!(
            old.merged(&Metadata::parse_patch("{\"b\":22}").unwrap(), &limits)
                .is_err()
        );
        assert!(
            old.merged(&Metadata::parse_patch("{\"a\":2222}").unwrap(), &limits)
                .is_ok()
        );
    }
}
