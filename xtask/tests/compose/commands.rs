//! The commands of Tiro's containers against the program's own help.

use std::path::PathBuf;
use std::process::Command;

use crate::dockerfile;
use crate::file::compose;

/// The program beside this test, as it was last built; the workspace's tests build it first.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("tiro");
    assert!(
        program.is_file(),
        "{} is missing: cargo build --release",
        program.display()
    );
    program
}

#[test]
fn every_command_and_flag_is_one_of_the_program() {
    let compose = compose();
    let ours = compose
        .services
        .iter()
        .filter(|(_, service)| service.image.as_deref() == Some("tiro"))
        .map(|(name, service)| (name.as_str(), service.command.clone()));
    // What the image does by itself, too.
    for (name, command) in ours.chain([("the image", dockerfile::list(&dockerfile::argument("CMD")))]) {
        let (command, arguments) = command.split_first().unwrap();
        let output = Command::new(program())
            .args([command, "--help"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: `tiro {command}` is no command");
        let help = String::from_utf8(output.stdout).unwrap();
        let known: Vec<&str> = help
            .split(|c: char| c.is_whitespace() || ",[]".contains(c))
            .filter(|word| word.starts_with("--"))
            .collect();
        for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
            assert!(
                known.contains(&flag.as_str()),
                "{name}: `tiro {command}` has no {flag}"
            );
        }
    }
}
