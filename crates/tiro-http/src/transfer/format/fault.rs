//! What is wrong with one line.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tiro_api::Code;
use tiro_core::Fault;

use crate::problem;

/// Why a line cannot be taken. `Display` says it in a sentence that names the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transfer) enum LineFault {
    /// Not one JSON value in UTF-8; says where in the line.
    NotJson(String),
    /// JSON of another shape: a member is unknown, twice there or of a wrong type; says which.
    Shape(String),
    /// A member that has to be there is not, or is `null`.
    Missing(&'static str),
    /// A member's value is not allowed.
    Value {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A member is no RFC 3339 time.
    NotATime(&'static str),
    /// The lines are of a format that this Tiro does not read.
    Format(u64),
    /// The members contradict each other or the header; says how.
    Contradiction(&'static str),
    /// The digest in the last entry's `end` is not that of the lines before it: they were damaged or edited.
    Digest,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineFault::NotJson(reason) => write!(f, "the line is not JSON: {reason}"),
            LineFault::Shape(reason) => write!(f, "the line has another shape: {reason}"),
            LineFault::Missing(member) => write!(f, "`{member}` is missing"),
            LineFault::Value { member, fault } => write!(f, "`{member}` {}", problem::fault(fault).1),
            LineFault::NotATime(member) => {
                write!(
                    f,
                    "`{member}` is not a time of RFC 3339, as in 2004-12-25T09:14:00Z"
                )
            }
            LineFault::Format(found) => {
                let read = tiro_api::LINES_FORMAT;
                write!(
                    f,
                    "the lines are of format {found}; this Tiro reads format {read}"
                )
            }
            LineFault::Contradiction(reason) => f.write_str(reason),
            LineFault::Digest => {
                f.write_str("the lines of this application are not the ones that were exported")
            }
        }
    }
}

impl LineFault {
    /// What `errors` calls it.
    pub(in crate::transfer) fn code(&self) -> Code {
        match self {
            LineFault::NotJson(_) => Code::MalformedJson,
            LineFault::Missing(_) => Code::Missing,
            LineFault::Value { fault, .. } => problem::fault(fault).0,
            LineFault::NotATime(_) => Code::InvalidTime,
            LineFault::Shape(_) | LineFault::Format(_) | LineFault::Contradiction(_) | LineFault::Digest => {
                Code::InvalidLine
            }
        }
    }
}

/// Decodes one object, telling bad JSON from a wrong shape.
pub(super) fn decoded<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, LineFault> {
    // Derived structures would take an array for the list of their members.
    if !text.trim_ascii_start().starts_with(b"{") {
        return match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) => Err(LineFault::Shape("it is not an object".into())),
            Err(error) => Err(LineFault::NotJson(error.to_string())),
        };
    }
    serde_json::from_slice(text).map_err(|error| {
        let reason = error.to_string();
        match error.classify() {
            serde_json::error::Category::Data => LineFault::Shape(reason),
            _ => LineFault::NotJson(reason),
        }
    })
}

/// Names the member that a core type refused.
pub(super) fn of(member: &'static str) -> impl Fn(Fault) -> LineFault {
    move |fault| LineFault::Value { member, fault }
}
