//! Steps of a command, run one after another, each with its time.

use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// What has been run so far, in order.
#[derive(Default)]
pub(crate) struct Steps {
    finished: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs one step and notes its time, whether it succeeds or not.
    pub(crate) fn run(
        &mut self,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        println!("==> {name}");
        let begun = Instant::now();
        let result = step();
        self.finished.push((name.to_owned(), begun.elapsed()));
        result.with_context(|| format!("`{name}` failed"))
    }
}

/// A table of the times.
impl fmt::Display for Steps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Duration = self.finished.iter().map(|(_, time)| *time).sum();
        for (name, time) in self.finished.iter().chain([&("in all".to_owned(), all)]) {
            writeln!(formatter, "    {name:<24} {:>8.1} s", time.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Runs a program to its end; anything but success is an error.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{:?} ended with {status}", command.get_program());
    }
    Ok(())
}
