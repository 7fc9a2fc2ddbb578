//! Entity tags and the conditions made of them (RFC 9110, sections 8.8.3 and 13.1).

use http::{HeaderMap, HeaderName, header};
use tiro_api::Code;
use tiro_core::IfMatch;

use crate::path::plain_number;
use crate::problem::Problem;
use crate::violations::Violations;

/// How the tags of a kind of thing are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagForm {
    /// `"3"`: a message's version.
    Version,
    /// `"2-17"`: version and last change of an application or chat; conditions of writes compare the version only.
    VersionAndPosition,
}

/// The tag of a message.
pub(crate) fn version_tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The tag of an application or chat.
pub(crate) fn version_and_position_tag(version: u64, position: u64) -> String {
    format!("\"{version}-{position}\"")
}

/// What a header of tags says.
enum Tags<'a> {
    Any,
    /// Without quotes; the second of the pair tells whether it is strong.
    Listed(Vec<(&'a str, Strength)>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

/// The condition of a write: weak tags and tags of other forms match nothing.
pub(crate) fn if_match(headers: &HeaderMap, form: TagForm, violations: &mut Violations) -> IfMatch {
    match tags(headers, &header::IF_MATCH) {
        Ok(None | Some(Tags::Any)) => IfMatch::Any,
        Ok(Some(Tags::Listed(listed))) => IfMatch::OneOf(
            listed
                .iter()
                .filter(|(_, strength)| *strength == Strength::Strong)
                .filter_map(|(tag, _)| version(tag, form))
                .collect(),
        ),
        Err(()) => {
            violations.header("If-Match", Code::InvalidEntityTag, NOT_TAGS);
            IfMatch::OneOf(Vec::new())
        }
    }
}

const NOT_TAGS: &str = "must be `*` or tags in double quotes, separated by commas";

/// Whether a read need not be answered, since the client has `current` (quoted) already. Compares weakly.
pub(crate) fn is_known(headers: &HeaderMap, current: &str) -> Result<bool, Problem> {
    match tags(headers, &header::IF_NONE_MATCH) {
        Ok(None) => Ok(false),
        Ok(Some(Tags::Any)) => Ok(true),
        Ok(Some(Tags::Listed(listed))) => {
            let bare = current.trim_matches('"');
            Ok(listed.iter().any(|(tag, _)| *tag == bare))
        }
        Err(()) => {
            let mut violations = Violations::default();
            violations.header("If-None-Match", Code::InvalidEntityTag, NOT_TAGS);
            Err(violations.into_problem())
        }
    }
}

fn version(tag: &str, form: TagForm) -> Option<u64> {
    match (form, tag.split_once('-')) {
        (TagForm::Version, _) | (TagForm::VersionAndPosition, None) => plain_number(tag),
        (TagForm::VersionAndPosition, Some((version, position))) => {
            plain_number(position).and_then(|_| plain_number(version))
        }
    }
}

fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<Tags<'a>>, ()> {
    let mut listed = Vec::new();
    let mut found = false;
    for value in headers.get_all(name) {
        found = true;
        let text = value.to_str().map_err(|_| ())?.trim();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        list(text, &mut listed)?;
    }
    match (found, listed.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Err(()),
        (true, false) => Ok(Some(Tags::Listed(listed))),
    }
}

/// `[W/]"…"`, separated by commas; empty elements are allowed (RFC 9110, section 5.6.1).
fn list<'a>(text: &'a str, listed: &mut Vec<(&'a str, Strength)>) -> Result<(), ()> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(());
        }
        let (strength, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (Strength::Weak, quoted),
            None => (Strength::Strong, rest),
        };
        let (tag, after) = quoted
            .strip_prefix('"')
            .and_then(|open| open.split_once('"'))
            .ok_or(())?;
        listed.push((tag, strength));
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(());
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn matching(value: &str, form: TagForm) -> Result<IfMatch, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        let mut violations = Violations::default();
        let condition = if_match(&headers, form, &mut violations);
        violations.check().map(|()| condition)
    }

    #[test]
    fn if_match_lists_versions_and_weak_tags_never_match() {
        let condition = matching("\"3\", W/\"4\",\"x\" , \"5\"", TagForm::Version).unwrap();
        assert_eq!(condition, IfMatch::OneOf(vec![3, 5]));
        assert_eq!(matching("*", TagForm::Version).unwrap(), IfMatch::Any);
        assert_eq!(
            matching("W/\"3\"", TagForm::Version).unwrap(),
            IfMatch::OneOf(vec![])
        );
    }

    #[test]
    fn the_tag_of_a_chat_compares_only_the_version() {
        let condition = matching("\"2-17\", \"3\", \"4-x\"", TagForm::VersionAndPosition).unwrap();
        assert_eq!(condition, IfMatch::OneOf(vec![2, 3]));
        assert_eq!(
            matching("\"2-17\"", TagForm::Version).unwrap(),
            IfMatch::OneOf(vec![])
        );
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for wrong in ["3", "\"3", "\"3\" \"4\"", "\"3\"x", "", ","] {
            assert!(matching(wrong, TagForm::Version).is_err(), "{wrong}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_whole() {
        let mut headers = HeaderMap::new();
        assert!(!is_known(&headers, "\"2-17\"").unwrap());
        for (value, known) in [
            ("W/\"2-17\"", true),
            ("\"1\", \"2-17\"", true),
            ("*", true),
            ("\"2-16\"", false),
        ] {
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
            assert_eq!(is_known(&headers, "\"2-17\"").unwrap(), known, "{value}");
        }
    }
}
