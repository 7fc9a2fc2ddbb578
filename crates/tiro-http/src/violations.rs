//! Every refused value of one request, collected before any of them is answered.

use tiro_api::{Code, Violation};
use tiro_core::Fault;

use crate::problem::{self, Problem};

/// Most violations of one answer: enough for a batch, and a bound on what one request can make the server say.
pub(crate) const VIOLATIONS_MAX: usize = 1_000;
/// How many violations the problem's `detail` puts in words.
const VIOLATIONS_IN_WORDS: usize = 3;

/// The refused values, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    errors: Vec<Violation>,
    words: Vec<String>,
}

impl Violations {
    /// Adds a refused value of the body.
    pub(crate) fn at(&mut self, pointer: &str, code: Code, text: &str) {
        let name = if pointer.is_empty() { "the body" } else { pointer };
        self.push(Violation::pointer(code, pointer), || format!("{name} {text}"));
    }

    /// Adds a value of the body that the domain refused.
    pub(crate) fn fault(&mut self, pointer: &str, fault: &Fault) {
        let (code, text) = problem::fault(fault);
        self.at(pointer, code, &text);
    }

    /// Adds a refused query parameter.
    pub(crate) fn parameter(&mut self, name: &str, code: Code, text: &str) {
        let shown: String = name.chars().take(64).collect();
        self.push(Violation::parameter(code, shown.clone()), || {
            format!("the query parameter `{shown}` {text}")
        });
    }

    /// Adds a refused part of the path.
    pub(crate) fn path(&mut self, name: &str, code: Code, text: &str) {
        self.push(Violation::parameter(code, name), || {
            format!("`{name}` in the path {text}")
        });
    }

    /// Adds a refused header.
    pub(crate) fn header(&mut self, name: &str, code: Code, text: &str) {
        self.push(Violation::header(code, name), || {
            format!("the header {name} {text}")
        });
    }

    fn push(&mut self, violation: Violation, words: impl FnOnce() -> String) {
        if self.errors.len() < VIOLATIONS_MAX {
            self.errors.push(violation);
        }
        if self.words.len() < VIOLATIONS_IN_WORDS {
            self.words.push(words());
        }
    }

    /// Whether no more can be added.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= VIOLATIONS_MAX
    }

    /// Goes on only if nothing was refused.
    ///
    /// # Errors
    /// The problem that lists everything refused.
    pub(crate) fn check(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.into_problem())
        }
    }

    /// What was read of a request in which nothing may be refused.
    ///
    /// # Errors
    /// The problem that lists everything refused.
    pub(crate) fn accept<T>(self, read: Option<T>) -> Result<T, Problem> {
        self.check()?;
        read.ok_or_else(|| Problem::internal("a request was read to nothing without a violation"))
    }

    /// The problem that lists everything refused.
    pub(crate) fn into_problem(self) -> Problem {
        let mut detail = self.words.join("; ");
        if self.errors.len() > self.words.len() {
            detail.push_str(&format!("; and {} more", self.errors.len() - self.words.len()));
        }
        Problem::new(Code::InvalidRequest, detail).with_errors(self.errors)
    }
}
