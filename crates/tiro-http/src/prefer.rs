//! `Prefer` (RFC 7240): what a client would like, and may not get.

use http::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const RESPOND_ASYNC: &str = "respond-async";

/// Whether the client would rather have an answer before its request is carried out. Other preferences mean nothing here, and
/// what cannot be read is none: a server must not refuse a request for what it prefers.
pub(crate) fn respond_async(headers: &HeaderMap) -> bool {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| preferences(value).any(is_respond_async))
}

/// What stands between commas that are not in a quoted text.
fn preferences(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    value.split(move |letter| {
        let is_escaped = std::mem::take(&mut escaped);
        match letter {
            '"' if !is_escaped => quoted = !quoted,
            '\\' if quoted && !is_escaped => escaped = true,
            _ => {}
        }
        letter == ',' && !quoted
    })
}

/// The name, which has no value; parameters behind it change nothing.
fn is_respond_async(preference: &str) -> bool {
    let name = preference.split(';').next().unwrap_or_default();
    let (name, value) = name.split_once('=').unwrap_or((name, ""));
    let value = value.trim();
    name.trim().eq_ignore_ascii_case(RESPOND_ASYNC) && (value.is_empty() || value == "\"\"")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn prefers(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_str(value).unwrap());
        }
        respond_async(&headers)
    }

    #[test]
    fn the_preference_is_found_in_every_form_that_the_rfc_allows() {
        for values in [
            &["respond-async"] as &[&str],
            &["Respond-Async"],
            &["respond-async, wait=10"],
            &["wait=10 ,\trespond-async"],
            &["return=minimal", "respond-async"],
            &["respond-async; foo=\"bar\""],
            &["respond-async=\"\""],
            &["note=\"a \\\" , b\", respond-async"],
        ] {
            assert!(prefers(values), "{values:?}");
        }
    }

    #[test]
    fn other_preferences_and_quoted_texts_are_not_it() {
        for values in [
            &[] as &[&str],
            &[""],
            &["wait=10"],
            &["respond-asynchronously"],
            &["respond-async=no"],
            &["note=\"respond-async\""],
            &["note=\"a, respond-async, b\""],
        ] {
            assert!(!prefers(values), "{values:?}");
        }
    }
}
