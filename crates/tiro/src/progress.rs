//! Progress for the person who waits: a bar on a terminal, otherwise a line every few seconds, on standard error.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How far a long piece of work is.
pub(crate) struct Progress {
    shown: Shown,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Batches,
    Changes,
    Chats,
    Documents,
    Messages,
}

enum Shown {
    Bar(ProgressBar),
    Lines {
        what: &'static str,
        total: Option<u64>,
        unit: Unit,
        /// Guards when the last line was written.
        written: Mutex<Instant>,
    },
}

impl Progress {
    /// Begins; `what` is a word such as `sent`.
    pub(crate) fn new(what: &'static str, total: Option<u64>, unit: Unit) -> Progress {
        let shown = if std::io::stderr().is_terminal() {
            Shown::Bar(bar(what, total, unit))
        } else {
            Shown::Lines {
                what,
                total,
                unit,
                written: Mutex::new(Instant::now()),
            }
        };
        Progress { shown }
    }

    /// Shows that so much is done, from the beginning on.
    pub(crate) fn reached(&self, done: u64) {
        match &self.shown {
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines {
                what,
                total,
                unit,
                written,
            } => {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                if written.elapsed() >= LINE_EVERY {
                    *written = Instant::now();
                    note(&line(what, done, *total, *unit));
                }
            }
        }
    }

    /// Takes the bar away; what follows begins on a fresh line.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// Work in stages, one after the other: when one begins, that of the one before goes away.
#[derive(Default)]
pub(crate) struct Stages {
    current: Option<((&'static str, Unit), Progress)>,
}

impl Stages {
    /// Shows that so much of the stage that `what` and `unit` name is done.
    pub(crate) fn reached(&mut self, what: &'static str, unit: Unit, total: Option<u64>, done: u64) {
        if self
            .current
            .as_ref()
            .is_none_or(|(stage, _)| *stage != (what, unit))
        {
            self.finish();
        }
        let (_, progress) = self
            .current
            .get_or_insert_with(|| ((what, unit), Progress::new(what, total, unit)));
        progress.reached(done);
    }

    /// Takes the last one away.
    pub(crate) fn finish(&mut self) {
        if let Some((_, progress)) = self.current.take() {
            progress.finish();
        }
    }
}

/// Writes a line to standard error. Nobody may be reading it, and then nothing is lost by going on.
pub(crate) fn note(line: &str) {
    if let Err(error) = writeln!(std::io::stderr(), "{line}") {
        tracing::debug!(%error, "standard error is closed");
    }
}

fn bar(what: &'static str, total: Option<u64>, unit: Unit) -> ProgressBar {
    let (bar, template) = match (total, unit) {
        (Some(total), Unit::Bytes) => (
            ProgressBar::new(total),
            "{msg} {bytes}/{total_bytes} [{wide_bar}] {binary_bytes_per_sec} {eta}",
        ),
        (Some(total), _) => (
            ProgressBar::new(total),
            "{msg} {human_pos}/{human_len} [{wide_bar}] {per_sec} {eta}",
        ),
        (None, Unit::Bytes) => (
            ProgressBar::new_spinner(),
            "{spinner} {msg} {bytes} {binary_bytes_per_sec}",
        ),
        (None, _) => (
            ProgressBar::new_spinner(),
            "{spinner} {msg} {human_pos} {per_sec}",
        ),
    };
    let style = ProgressStyle::with_template(template).expect("the templates are fixed and well-formed");
    bar.with_style(style).with_message(what)
}

fn line(what: &str, done: u64, total: Option<u64>, unit: Unit) -> String {
    let shown = |count: u64| match unit {
        Unit::Bytes => format!("{:.1} MiB", count as f64 / f64::from(1 << 20)),
        Unit::Batches => format!("{count} batches"),
        Unit::Changes => format!("{count} changes"),
        Unit::Chats => format!("{count} chats"),
        Unit::Messages => format!("{count} messages"),
        Unit::Documents => format!("{count} documents"),
    };
    match total {
        Some(total) if total > 0 => {
            let percent = done.min(total) * 100 / total;
            format!("{what} {} of {} ({percent} %)", shown(done), shown(total))
        }
        _ => format!("{what} {}", shown(done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_share_where_the_whole_is_known() {
        let bytes = |done, total| line("sent", done, total, Unit::Bytes);
        assert_eq!(bytes(3 << 20, Some(4 << 20)), "sent 3.0 MiB of 4.0 MiB (75 %)");
        assert_eq!(bytes(5 << 20, Some(4 << 20)), "sent 5.0 MiB of 4.0 MiB (100 %)");
        assert_eq!(bytes(0, Some(0)), "sent 0.0 MiB");
        assert_eq!(line("compared", 7, None, Unit::Chats), "compared 7 chats");
    }
}
