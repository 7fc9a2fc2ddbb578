//! A test of this binary, started again under `strace`, which records its calls or makes some of them fail.

use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Runs one test under strace with these options and variables, and answers what it said.
///
/// # Panics
/// If strace cannot be started or the test fails.
pub(crate) fn run_test<'a>(
    test: &str,
    options: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
) -> String {
    let output = Command::new("strace")
        .args(["-f", "-e", "signal=none"])
        .args(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs(variables)
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("cannot start strace: {error}; get it: apt-get install strace"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test} failed under strace: {said}"
    );
    said.into_owned()
}
