//! What the path of a request names: an application, a chat, a message.
//!
//! Segments are found by the route's template, which has as many of them as the path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use tiro_api::Code;
use tiro_core::Token;

use crate::problem::Problem;

/// The segment of `path` that stands where `template` has `{name}`; `None` if there is none or it is not UTF-8.
pub(crate) fn segment<'a>(template: &str, path: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut segments = segments(path);
    for pattern in self::segments(template) {
        let segment = segments.next()?;
        let bare = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if bare == Some(name) {
            return decoded(segment);
        }
    }
    None
}

/// What `path` has from where `template` has `{*…}` on, slashes included; a plain one at the end belongs to the path.
/// `None` if there is nothing or it is not UTF-8.
pub(crate) fn rest<'a>(template: &str, path: &'a str) -> Option<Cow<'a, str>> {
    let mut rest = path;
    for pattern in segments(template) {
        if pattern.starts_with("{*") {
            let text = rest.strip_suffix('/').filter(|text| !text.is_empty());
            return decoded(text.unwrap_or(rest));
        }
        rest = rest.split_once('/')?.1;
    }
    None
}

fn decoded(text: &str) -> Option<Cow<'_, str>> {
    match text.bytes().any(|byte| byte == b'%') {
        true => percent_decode_str(text).decode_utf8().ok(),
        false => Some(Cow::Borrowed(text)),
    }
}

/// What stands between slashes. Every request takes some paths apart, and for texts this short a plain loop takes a
/// fraction of what the search of `str::split` does.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.bytes().position(|byte| byte == b'/');
        rest = end.map(|end| &text[end + 1..]);
        Some(end.map_or(text, |end| &text[..end]))
    })
}

/// A token; what cannot be one names no application.
pub(crate) fn token(segment: Option<Cow<'_, str>>) -> Result<Token, Problem> {
    segment
        .and_then(|text| Token::parse(&text).ok())
        .ok_or_else(|| Problem::plain(Code::ApplicationNotFound))
}

/// A number of a chat or message.
pub(crate) fn number(segment: Option<Cow<'_, str>>) -> Result<u64, Problem> {
    segment
        .and_then(|text| plain_number(&text))
        .filter(|number| *number > 0)
        .ok_or_else(|| Problem::plain(Code::NotFound))
}

/// A whole number in its plain form: digits without a leading zero, at most 2^64 - 1.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_found_by_the_template_and_decoded() {
        let template = "/v1/applications/{token}/chats/{chat}";
        let path = "/v1/applications/%61bc/chats/12";
        assert_eq!(segment(template, path, "token").as_deref(), Some("abc"));
        assert_eq!(segment(template, path, "chat").as_deref(), Some("12"));
        assert_eq!(segment(template, path, "number"), None);
        assert_eq!(segment(template, "/v1/applications/%ff/chats/12", "token"), None);
    }

    #[test]
    fn the_rest_of_a_path_keeps_its_slashes_and_drops_the_last_plain_one() {
        let rest = |path| rest("/chats/{token}/search/{*query}", path).map(Cow::into_owned);
        for (path, wanted) in [
            ("/chats/a/search/b", "b"),
            ("/chats/a/search/b/", "b"),
            ("/chats/a/search/b%2F", "b/"),
            ("/chats/a/search/b/c%2Fd%20e", "b/c/d e"),
            ("/chats/a/search//", "/"),
        ] {
            assert_eq!(rest(path).as_deref(), Some(wanted), "{path}");
        }
        assert_eq!(rest("/chats/a/search/%ff"), None);
    }

    #[test]
    fn only_the_plain_form_of_a_positive_number_names_something() {
        assert_eq!(number(Some("18446744073709551615".into())).unwrap(), u64::MAX);
        for wrong in [
            "0",
            "01",
            "+1",
            "-1",
            "1.0",
            "1e0",
            " 1",
            "",
            "x",
            "18446744073709551616",
        ] {
            assert!(number(Some(wrong.into())).is_err(), "{wrong}");
        }
    }
}
