//! `cargo xtask test`: everything that the README promises, in one command.
//!
//! The checks come first, the tests last, and the last lines are those of `cargo test` itself, so that whoever
//! reads only the end of a log sees the verdict. Without `--full` counts are small enough for 35 minutes from a
//! clean clone on two cores; with it they are the ones that the issues name. The servers of the cluster engine run
//! for as long as the tests do; the tests of outages bring their own, since they kill them.

use std::io::{BufRead, BufReader, Write, pipe};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::chat_data::{CORPUS_VARIABLE, corpus};
use crate::cluster::{Lent, require_packages};
use crate::root::cargo;
use crate::steps::{Steps, succeed};
use crate::{check, tools};

/// Tells the tests to run the full counts.
const FULL_VARIABLE: &str = "TIRO_FULL";

/// The history checker against the executable with bugs to switch on, and the unit tests of what plants them; the
/// workspace's tests leave both out.
const PLANTED_BUGS: &[&str] = &[
    "test",
    "--release",
    "--locked",
    "-p",
    "tiro",
    "-p",
    "tiro-embedded",
    "--features",
    "planted-bugs",
    "--lib",
    "--test",
    "history",
    "--",
    "--nocapture",
    "--test-threads=1",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The full counts (200 kills, a chat of a million messages, the whole corpus where it is at hand)
    #[arg(long)]
    full: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    tools::require(&[
        &tools::C_COMPILER,
        &tools::CURL,
        &tools::STRACE,
        &tools::JQ,
        &tools::PYTHON,
        &tools::NODE,
        &tools::GO,
    ])?;
    require_packages()?;
    let mut steps = Steps::default();
    check::all(&mut steps).inspect_err(|_| print!("\n{steps}"))?;
    // Before the other tests: they build the ordinary executable again, so that none with planted bugs is left behind.
    let mut planted = cargo(PLANTED_BUGS);
    choose_counts(&mut planted, arguments)?;
    steps
        .run("planted bugs", || succeed(&mut planted))
        .inspect_err(|_| print!("\n{steps}"))?;
    let mut last_lines = String::new();
    let result = workspace_tests(&mut steps, arguments, &mut last_lines);
    print!("\n{steps}\n{last_lines}");
    result
}

/// The workspace's tests, with the servers of the cluster engine beside them.
fn workspace_tests(steps: &mut Steps, arguments: &Arguments, last_lines: &mut String) -> anyhow::Result<()> {
    let mut tests = cargo(&["test", "--release", "--workspace", "--locked", "--no-fail-fast"]);
    choose_counts(&mut tests, arguments)?;
    if arguments.full {
        steps.run("compose", crate::compose::test)?;
    }
    let servers = Lent::prepare()?;
    steps.run("servers", || servers.start(&mut tests))?;
    let result = steps.run("tests", || all_but_the_last_lines(&mut tests, last_lines));
    if result.is_err() {
        servers.keep_logs()?;
    }
    servers.end().and(result)
}

fn choose_counts(tests: &mut Command, arguments: &Arguments) -> anyhow::Result<()> {
    if !arguments.full {
        tests.env_remove(FULL_VARIABLE).env_remove(CORPUS_VARIABLE);
        println!("short counts and generated chat; `--full` runs the counts that the issues name");
        return Ok(());
    }
    tests.env(FULL_VARIABLE, "1");
    match corpus()? {
        Some(folder) => {
            println!("full counts and the real chat in {}", folder.display());
            tests.env(CORPUS_VARIABLE, folder);
        }
        None => println!(
            "full counts and generated chat: neither {CORPUS_VARIABLE} nor ../shared/corpus is there"
        ),
    }
    Ok(())
}

/// Runs the command and prints its output as it comes, save for the last line that says something and what
/// follows it: these are handed over, so that the caller can print them as the end of everything.
fn all_but_the_last_lines(command: &mut Command, last_lines: &mut String) -> anyhow::Result<()> {
    let (output, input) = pipe().context("cannot make a pipe for the tests' output")?;
    command.stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().context("cannot start cargo test")?;
    // The command holds the writing end, and the output would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut stdout = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if !line.trim().is_empty() {
            stdout.write_all(last_lines.as_bytes())?;
            stdout.flush()?;
            last_lines.clear();
        }
        last_lines.push_str(&line);
        last_lines.push('\n');
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_held_back_and_failure_is_noticed() {
        let mut last_lines = String::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo test result: FAILED >&2; echo; exit 3"]);
        let error = all_but_the_last_lines(&mut command, &mut last_lines).unwrap_err();
        assert_eq!(last_lines, "test result: FAILED\n\n");
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
