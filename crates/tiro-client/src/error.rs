//! Why a request has no answer of the wanted kind, told apart by what the caller can do about it.

use std::fmt;
use std::time::Duration;

use tiro_api::{Problem, Violation};

/// What went wrong. No text holds a token or a key: addresses are shown without their path.
#[derive(Debug)]
pub enum Error {
    /// The server answered that it will not, or not now.
    Refused(Box<Refusal>),
    /// No connection could be made, so nothing was done.
    Unreachable {
        /// Scheme, host and port.
        server: String,
        /// Why, as the system says.
        reason: String,
    },
    /// A connection was there, but no answer came: a write may have been carried out or not.
    Vanished {
        /// Scheme, host and port.
        server: String,
        /// What was seen.
        reason: String,
    },
    /// Something answered that does not speak Tiro's protocol.
    NotTiro {
        /// Scheme, host and port.
        server: String,
        /// What was expected and what came.
        reason: String,
    },
    /// What the caller gave (address, operator key, idempotency key) cannot be used; says which and why.
    Unusable(String),
    /// What was to be sent could not be read.
    Source(std::io::Error),
}

/// An answer with a status of 400 or above.
#[derive(Debug)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// What the server said (RFC 9457).
    pub problem: Problem,
    /// When it is worth asking again, if the server said so.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// The answer, if there was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => refusal.fmt(f),
            Error::Unreachable { server, reason } => write!(f, "no connection to {server}: {reason}"),
            Error::Vanished { server, reason } => {
                write!(f, "{server} does not answer any more: {reason}")
            }
            Error::NotTiro { server, reason } => write!(f, "{server} does not answer as Tiro does: {reason}"),
            Error::Unusable(reason) => f.write_str(reason),
            Error::Source(error) => write!(f, "cannot read what is to be sent: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Source(error) => Some(error),
            _ => None,
        }
    }
}

/// The problem in one or a few lines, with every refused value.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            title,
            code,
            detail,
            errors,
            ..
        } = &self.problem;
        write!(f, "{title} ({} {code})", self.status)?;
        if !detail.is_empty() && detail != title {
            write!(f, ": {detail}")?;
        }
        for violation in errors.iter().take(VIOLATIONS_SHOWN_MAX) {
            write!(f, "\n  {}: {}", place(violation), violation.code)?;
        }
        if errors.len() > VIOLATIONS_SHOWN_MAX {
            write!(f, "\n  and {} more", errors.len() - VIOLATIONS_SHOWN_MAX)?;
        }
        Ok(())
    }
}

const VIOLATIONS_SHOWN_MAX: usize = 20;

fn place(violation: &Violation) -> String {
    let Violation {
        pointer,
        parameter,
        header,
        line,
        ..
    } = violation;
    if let Some(line) = line {
        return format!("line {line}");
    }
    if let Some(parameter) = parameter {
        return format!("parameter `{parameter}`");
    }
    if let Some(header) = header {
        return format!("header `{header}`");
    }
    match pointer.as_deref() {
        Some("") | None => "the whole body".to_owned(),
        Some(pointer) => format!("`{pointer}`"),
    }
}

#[cfg(test)]
mod tests {
    use tiro_api::Code;

    use super::*;

    #[test]
    fn a_refusal_says_code_detail_and_every_refused_value() {
        let refusal = Refusal {
            status: 422,
            problem: Problem {
                type_: "/docs/errors/invalid_request".to_owned(),
                title: Code::InvalidRequest.title().to_owned(),
                status: 422,
                code: Code::InvalidRequest,
                detail: "two values were refused".to_owned(),
                request_id: "r1".to_owned(),
                errors: vec![
                    Violation::pointer(Code::Blank, "/body"),
                    Violation::line(Code::InvalidLine, 7),
                ],
                searched_through: None,
            },
            retry_after: None,
        };
        assert_eq!(
            refusal.to_string(),
            "The request has invalid values (422 invalid_request): two values were refused\n  \
             `/body`: blank\n  line 7: invalid_line"
        );
    }
}
