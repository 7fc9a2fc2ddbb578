//! Errors of the wire: RFC 9457 problems with a stable code and every violation found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Code;

/// An error (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Path of the page that explains the code: `/docs/errors/<code>`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The meaning of the code, in a few words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The error code; stable, for programs.
    pub code: Code,
    /// What happened in this case, for people.
    pub detail: String,
    /// The id of the request in the server's log; also in `X-Request-Id`.
    pub request_id: String,
    /// Every invalid value of the request; empty if the error is not about values.
    pub errors: Vec<Violation>,
    /// Only with `search_behind`, in a search within one application: the cursor up to which every message can be
    /// found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub searched_through: Option<String>,
}

/// One invalid value and its place: exactly one of `pointer`, `parameter`, `header` and `line` is present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// What is wrong with it.
    pub code: Code,
    /// The place in the body, as a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub pointer: Option<String>,
    /// The query parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub parameter: Option<String>,
    /// The header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub header: Option<String>,
    /// The line of an import, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, minimum = 1, required = false)]
    pub line: Option<u64>,
}

impl Violation {
    fn new(code: Code) -> Violation {
        Violation {
            code,
            pointer: None,
            parameter: None,
            header: None,
            line: None,
        }
    }

    /// A value in the body, by its JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(code: Code, pointer: impl Into<String>) -> Violation {
        Violation {
            pointer: Some(pointer.into()),
            ..Violation::new(code)
        }
    }

    /// A query parameter.
    #[must_use]
    pub fn parameter(code: Code, name: impl Into<String>) -> Violation {
        Violation {
            parameter: Some(name.into()),
            ..Violation::new(code)
        }
    }

    /// A header.
    #[must_use]
    pub fn header(code: Code, name: impl Into<String>) -> Violation {
        Violation {
            header: Some(name.into()),
            ..Violation::new(code)
        }
    }

    /// A line of an import, from 1.
    #[must_use]
    pub fn line(code: Code, line: u64) -> Violation {
        Violation {
            line: Some(line),
            ..Violation::new(code)
        }
    }
}
