//! A bounded stretch of plain lines, checked for their own sake.

use tiro_core::Limits;

use crate::transfer::bounds::{WINDOW_BYTES_MAX, WINDOW_LINES_MAX};
use crate::transfer::format::PlainLine;
use crate::transfer::refusal::{Cause, Refusal};
use crate::transfer::upload::{Line, Upload};

/// A line and its number in the file.
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) line: PlainLine,
}

/// Why a window holds no further line.
pub(super) enum Ends {
    /// It is full.
    Full,
    /// The file ends.
    File,
    /// The next line cannot be taken.
    Refused(Refusal),
}

impl Ends {
    pub(super) fn refusal(self) -> Option<Refusal> {
        match self {
            Ends::Refused(refusal) => Some(refusal),
            Ends::Full | Ends::File => None,
        }
    }
}

/// Lines in the order of the file.
pub(super) struct Window {
    pub(super) lines: Vec<Numbered>,
    pub(super) ends: Ends,
}

impl Window {
    /// Reads until the window is full, the file ends, or a line cannot be taken; `first` was read already.
    pub(super) async fn read(upload: &mut Upload, first: Option<Line>, limits: &Limits) -> Window {
        let mut lines = Vec::new();
        let mut bytes = 0;
        let mut next = first;
        let ends = loop {
            let line = match next.take() {
                Some(line) => Ok(Some(line)),
                None => upload.next().await,
            };
            let line = match line {
                Ok(Some(line)) => line,
                Ok(None) => break Ends::File,
                Err(fault) => {
                    break Ends::Refused(Refusal::new(upload.lines_read() + 1, Cause::Upload(fault)));
                }
            };
            bytes += line.bytes.len();
            match PlainLine::parse(&line.bytes, limits) {
                Ok(parsed) => lines.push(Numbered {
                    number: line.number,
                    line: parsed,
                }),
                Err(fault) => break Ends::Refused(Refusal::line(line.number, fault)),
            }
            if lines.len() >= WINDOW_LINES_MAX || bytes >= WINDOW_BYTES_MAX {
                break Ends::Full;
            }
        };
        Window { lines, ends }
    }

    pub(super) fn is_last(&self) -> bool {
        !matches!(self.ends, Ends::Full)
    }
}
