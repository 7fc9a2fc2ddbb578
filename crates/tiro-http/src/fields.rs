//! What each member of a request's body must be. Every function collects its violations and reads on.

use std::sync::Arc;

use serde_json::value::RawValue;
use tiro_api::Code;
use tiro_core::{Body, Fault, Limits, MessageContent, Metadata, MetadataChange, Name, Patch, Sender, Title};

use crate::call::Call;
use crate::dialect::Unknown;
use crate::json::{self, Place};
use crate::problem::Problem;
use crate::violations::Violations;

/// A new application.
pub(crate) struct NewApplication {
    pub(crate) name: Name,
    pub(crate) metadata: Option<Metadata>,
}

/// A new chat.
pub(crate) struct NewChat {
    pub(crate) title: Option<Title>,
    pub(crate) metadata: Option<Metadata>,
}

/// A merge patch of an application.
pub(crate) struct ApplicationPatch {
    pub(crate) name: Option<Name>,
    pub(crate) metadata: MetadataChange,
}

/// A merge patch of a chat.
pub(crate) struct ChatPatch {
    pub(crate) title: Patch<Title>,
    pub(crate) metadata: MetadataChange,
}

/// A merge patch of a message.
pub(crate) struct MessagePatch {
    pub(crate) body: Option<Body>,
    pub(crate) metadata: MetadataChange,
}

/// Reads the members of one object. Each reader answers `None` only if it added a violation.
pub(crate) struct Reader<'a> {
    pub(crate) limits: &'a Arc<Limits>,
    pub(crate) violations: &'a mut Violations,
}

pub(crate) type Raw<'a> = Option<&'a RawValue>;

impl<'a> Reader<'a> {
    /// The reader of a request.
    pub(crate) fn of(call: &'a Call, violations: &'a mut Violations) -> Reader<'a> {
        Reader {
            limits: &call.limits,
            violations,
        }
    }
}

impl Reader<'_> {
    pub(crate) fn new_application(&mut self, text: &str) -> Result<Option<NewApplication>, Problem> {
        let Some([name, metadata]) = self.object(text, ["name", "metadata"], Place::Body)? else {
            return Ok(None);
        };
        let name = self.required(name, "name", Place::Body, Name::new);
        let metadata = self.metadata(metadata, Place::Body);
        Ok(name
            .zip(metadata)
            .map(|(name, metadata)| NewApplication { name, metadata }))
    }

    /// A body of nothing but white space is the empty object.
    pub(crate) fn new_chat(&mut self, text: &str) -> Result<Option<NewChat>, Problem> {
        if text.trim_ascii().is_empty() {
            return Ok(Some(NewChat {
                title: None,
                metadata: None,
            }));
        }
        let Some([title, metadata]) = self.object(text, ["title", "metadata"], Place::Body)? else {
            return Ok(None);
        };
        let title = self.optional(title, "title", Place::Body, Title::new);
        let metadata = self.metadata(metadata, Place::Body);
        Ok(title
            .zip(metadata)
            .map(|(title, metadata)| NewChat { title, metadata }))
    }

    pub(crate) fn new_message(
        &mut self,
        text: &str,
        place: Place,
    ) -> Result<Option<Arc<MessageContent>>, Problem> {
        let Some([body, sender, metadata]) = self.object(text, ["body", "sender", "metadata"], place)? else {
            return Ok(None);
        };
        let body = self.required(body, "body", place, Body::new);
        let sender = self.optional(sender, "sender", place, Sender::new);
        let metadata = self.metadata(metadata, place);
        Ok(match (body, sender, metadata) {
            (Some(body), Some(sender), Some(metadata)) => Some(Arc::new(MessageContent {
                body,
                sender,
                metadata,
            })),
            _ => None,
        })
    }

    pub(crate) fn application_patch(&mut self, text: &str) -> Result<Option<ApplicationPatch>, Problem> {
        let Some([name, metadata]) = self.object(text, ["name", "metadata"], Place::Body)? else {
            return Ok(None);
        };
        let name = self.replaced(name, "name", Name::new);
        let metadata = self.metadata_change(metadata);
        Ok(name
            .zip(metadata)
            .map(|(name, metadata)| ApplicationPatch { name, metadata }))
    }

    pub(crate) fn chat_patch(&mut self, text: &str) -> Result<Option<ChatPatch>, Problem> {
        let Some([title, metadata]) = self.object(text, ["title", "metadata"], Place::Body)? else {
            return Ok(None);
        };
        let title = match title {
            None => Some(Patch::Keep),
            Some(raw) if is_null(raw) => Some(Patch::Clear),
            Some(raw) => self.text(raw, "title", Place::Body, Title::new).map(Patch::Set),
        };
        let metadata = self.metadata_change(metadata);
        Ok(title
            .zip(metadata)
            .map(|(title, metadata)| ChatPatch { title, metadata }))
    }

    pub(crate) fn message_patch(&mut self, text: &str) -> Result<Option<MessagePatch>, Problem> {
        let Some([body, metadata]) = self.object(text, ["body", "metadata"], Place::Body)? else {
            return Ok(None);
        };
        let body = self.replaced(body, "body", Body::new);
        let metadata = self.metadata_change(metadata);
        Ok(body
            .zip(metadata)
            .map(|(body, metadata)| MessagePatch { body, metadata }))
    }

    pub(crate) fn set_read(&mut self, text: &str) -> Result<Option<u64>, Problem> {
        let Some([read]) = self.object(text, ["read"], Place::Body)? else {
            return Ok(None);
        };
        let (code, text) = match read.filter(|raw| !is_null(raw)).map(RawValue::get) {
            None => (Code::Missing, "is required"),
            Some(text) => match number(text) {
                Some(read) => return Ok(Some(read)),
                None => (Code::WrongType, "must be a whole number from 0"),
            },
        };
        self.violations.at(&Place::Body.member("read"), code, text);
        Ok(None)
    }

    fn object<'t, const N: usize>(
        &mut self,
        text: &'t str,
        names: [&'static str; N],
        place: Place,
    ) -> Result<Option<json::Members<'t, N>>, Problem> {
        json::object(text, names, place, Unknown::Refused, self.violations)
    }

    pub(crate) fn required<T>(&mut self, raw: Raw<'_>, name: &str, place: Place, new: New<T>) -> Option<T> {
        match raw {
            Some(raw) if !is_null(raw) => self.text(raw, name, place, new),
            _ => {
                self.violations
                    .at(&place.member(name), Code::Missing, "is required");
                None
            }
        }
    }

    /// On create, `null` equals absent.
    fn optional<T>(&mut self, raw: Raw<'_>, name: &str, place: Place, new: New<T>) -> Option<Option<T>> {
        match raw {
            Some(raw) if !is_null(raw) => self.text(raw, name, place, new).map(Some),
            _ => Some(None),
        }
    }

    /// A member of a patch that may be replaced, but not removed.
    fn replaced<T>(&mut self, raw: Raw<'_>, name: &str, new: New<T>) -> Option<Option<T>> {
        match raw {
            None => Some(None),
            raw => self.required(raw, name, Place::Body, new).map(Some),
        }
    }

    pub(crate) fn text<T>(&mut self, raw: &RawValue, name: &str, place: Place, new: New<T>) -> Option<T> {
        let checked = match json::string(raw) {
            None => {
                self.violations
                    .at(&place.member(name), Code::WrongType, "must be a string");
                return None;
            }
            // The text was JSON as a whole, so nothing else can be wrong with a string in it.
            Some(Err(_)) => Err(Fault::LoneSurrogate),
            Some(Ok(text)) => new(&text, self.limits),
        };
        checked
            .map_err(|fault| self.violations.fault(&place.member(name), &fault))
            .ok()
    }

    fn metadata(&mut self, raw: Raw<'_>, place: Place) -> Option<Option<Metadata>> {
        match raw {
            Some(raw) if !is_null(raw) => {
                let metadata = Metadata::parse(raw.get(), self.limits);
                metadata
                    .map_err(|fault| self.violations.fault(&place.member("metadata"), &fault))
                    .ok()
                    .map(Some)
            }
            _ => Some(None),
        }
    }

    fn metadata_change(&mut self, raw: Raw<'_>) -> Option<MetadataChange> {
        match raw {
            None => Some(MetadataChange::Keep),
            Some(raw) if is_null(raw) => Some(MetadataChange::Clear),
            Some(raw) => match Metadata::parse_patch(raw.get()) {
                Ok(patch) => Some(MetadataChange::Merge {
                    patch,
                    limits: self.limits.clone(),
                }),
                Err(fault) => {
                    self.violations.fault(&Place::Body.member("metadata"), &fault);
                    None
                }
            },
        }
    }
}

pub(crate) type New<T> = fn(&str, &Limits) -> Result<T, Fault>;

/// A whole number. What no message can have as its number is as good as the highest one.
fn number(json: &str) -> Option<u64> {
    let digits = json.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| json.parse().unwrap_or(u64::MAX))
}

pub(crate) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused, as `code pointer`, sorted.
    fn refused(read: impl FnOnce(&mut Reader<'_>) -> Result<bool, Problem>) -> Vec<String> {
        let limits = Arc::new(Limits::default());
        let mut violations = Violations::default();
        let read = read(&mut Reader {
            limits: &limits,
            violations: &mut violations,
        })
        .unwrap();
        let Err(problem) = violations.check() else {
            assert!(read, "what is not read has a violation");
            return Vec::new();
        };
        let mut found: Vec<String> = problem
            .errors()
            .iter()
            .map(|violation| {
                format!(
                    "{} {}",
                    violation.code,
                    violation.pointer.as_deref().unwrap_or("?")
                )
            })
            .collect();
        found.sort();
        found
    }

    fn message(text: &str) -> Vec<String> {
        refused(|reader| Ok(reader.new_message(text, Place::Body)?.is_some()))
    }

    #[test]
    fn a_message_is_read_with_escapes_and_without_them() {
        assert!(message(r#"{"body":"a\"\u00e9","sender":null,"metadata":{"a": [1]}}"#).is_empty());
    }

    #[test]
    fn all_violations_are_named_at_once() {
        assert_eq!(
            message(r#"{"body":" ","sender":7,"metadata":[],"extra":1,"a/b~":2}"#),
            [
                "blank /body",
                "unknown_field /a~1b~0",
                "unknown_field /extra",
                "wrong_type /metadata",
                "wrong_type /sender"
            ]
        );
    }

    #[test]
    fn each_kind_of_wrong_value_has_its_code() {
        for (text, wanted) in [
            ("{}", "missing /body"),
            (r#"{"body":null}"#, "missing /body"),
            (r#"{"body":"a\u0000b"}"#, "nul_character /body"),
            (r#"{"body":"\ud800"}"#, "lone_surrogate /body"),
            (r#"{"body":"a","body":"b"}"#, "duplicate_field /body"),
            (
                r#"{"body":"a","metadata":{"x":1,"x":2}}"#,
                "duplicate_field /metadata",
            ),
            ("[]", "wrong_type "),
            ("\"text\"", "wrong_type "),
            ("null", "wrong_type "),
        ] {
            assert_eq!(message(text), [wanted], "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let limits = Arc::new(Limits::default());
        for wrong in [
            "",
            "{",
            "{\"body\":}",
            "{} x",
            "[1,]",
            "{\"body\":\"a\nb\"}",
            "{\"body\" \"a\"}",
            "{\"a\":tru}",
        ] {
            let mut violations = Violations::default();
            let mut reader = Reader {
                limits: &limits,
                violations: &mut violations,
            };
            let problem = reader.new_message(wrong, Place::Body).map(drop).unwrap_err();
            assert_eq!(problem.code(), Code::MalformedJson, "{wrong}");
        }
    }

    #[test]
    fn a_patch_keeps_clears_and_sets() {
        let limits = Arc::new(Limits::default());
        let mut violations = Violations::default();
        let mut reader = Reader {
            limits: &limits,
            violations: &mut violations,
        };
        let patch = reader
            .chat_patch(r#"{"title":null,"metadata":null}"#)
            .unwrap()
            .unwrap();
        assert!(matches!(
            (patch.title, patch.metadata),
            (Patch::Clear, MetadataChange::Clear)
        ));
        let patch = reader.chat_patch("{}").unwrap().unwrap();
        assert!(matches!(
            (patch.title, patch.metadata),
            (Patch::Keep, MetadataChange::Keep)
        ));
        assert_eq!(
            refused(|reader| Ok(reader.application_patch(r#"{"name":null}"#)?.is_some())),
            ["missing /name"]
        );
        assert_eq!(
            refused(|reader| Ok(reader.message_patch(r#"{"sender":"x"}"#)?.is_some())),
            ["unknown_field /sender"]
        );
    }
}
