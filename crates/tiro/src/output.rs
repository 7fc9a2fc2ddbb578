//! Results on standard output. Nobody reading them is a failure, not a panic.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Writes a line and hands it over at once, so that a reader has it before a long wait.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(closed)
}

/// Writes one JSON object on a line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::failed(format!("the result cannot be written as JSON: {error}")))?;
    line(&text)
}

pub(crate) fn closed(error: io::Error) -> Failure {
    Failure::failed(format!("cannot write to standard output: {error}"))
}
