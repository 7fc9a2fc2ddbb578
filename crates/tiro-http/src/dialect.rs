//! In whose words a route speaks: how strictly it reads, and what its errors are called.

use tiro_api::Code;

/// See the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Strict in what it takes; errors are problems.
    V1,
    /// Takes what classic clients send besides; a deleted thing is not there, and errors are in their words.
    Classic,
}

/// What becomes of names that a reader does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refused,
    Ignored,
}

impl Dialect {
    /// What becomes of parameters that the route does not have.
    pub(crate) const fn unknown(self) -> Unknown {
        match self {
            Dialect::V1 => Unknown::Refused,
            Dialect::Classic => Unknown::Ignored,
        }
    }

    /// The code as it is said here.
    pub(crate) fn code(self, code: Code) -> Code {
        match (self, code) {
            (Dialect::Classic, Code::ApplicationDeleted) => Code::ApplicationNotFound,
            (Dialect::Classic, Code::ChatDeleted) => Code::ChatNotFound,
            (Dialect::Classic, Code::MessageDeleted) => Code::MessageNotFound,
            _ => code,
        }
    }
}
