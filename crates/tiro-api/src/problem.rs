//! Errors of the wire: RFC 9457 problems with a stable code and every violation found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Code;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Path of the page that explains the code: `/docs/errors/<code>`.
    #[serde(rename = "type")]
    pub type_: String,
    /// What the code means, in a few words.
    pub title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened; stable, for programs.
    pub code: Code,
    /// What happened this time, for people.
    pub detail: String,
    /// The request's name in the server's log; also in `X-Request-Id`.
    pub request_id: String,
    /// Every value that was refused; empty if the problem is not about values.
    pub errors: Vec<Violation>,
    /// Only of `search_behind`, and not of a search over everything: the place in the application's feed up to which
    /// every message can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub searched_through: Option<String>,
}

/// One value that was refused, and where it stood: exactly one of the four places is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// What is wrong with it.
    pub code: Code,
    /// Where it stands in the body (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub pointer: Option<String>,
    /// Which query parameter it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub parameter: Option<String>,
    /// Which header it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub header: Option<String>,
    /// Which line of an import, from 1.
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
