//! The lines that `tiro serve` prints for a person work when they are pasted into a shell.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Tiro, temp_folder};

/// Runs the printed lines in a shell, each as it stands; what they print.
fn pasted(tiro: &Tiro, variables: &[(&str, &str)]) -> String {
    let curl = Command::new("curl").arg("--version").output();
    assert!(
        curl.is_ok(),
        "this test pastes lines that use curl: install it (apt-get install curl)"
    );
    let last = tiro
        .process()
        .stdout
        .wait_for_line(&tiro.process().stderr, |line| line.contains("Stop: Ctrl-C"));
    assert!(last.contains("/docs"), "{last}");
    let printed = tiro.process().stdout.so_far();
    let lines: Vec<&str> = printed
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("curl ") || line.starts_with("TOKEN="))
        .collect();
    assert_eq!(lines.len(), 4, "{printed}");
    let mut shell = Command::new("sh")
        .arg("-eu")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(lines.join("\n").as_bytes())
        .unwrap();
    let output = shell.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn assert_first_message_is_shown(output: &str) {
    let answers: Vec<serde_json::Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [chat, message, page] = answers.as_slice() else {
        panic!("{output}");
    };
    assert_eq!(chat["number"], 1);
    assert_eq!(message["number"], 1);
    assert_eq!(page["data"][0]["body"], message["body"]);
}

#[test]
fn the_printed_lines_work_when_pasted() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    assert_first_message_is_shown(&pasted(&tiro, &[]));
}

#[test]
fn with_an_operator_key_the_printed_lines_take_it_from_the_variable_and_never_show_it() {
    let folder = temp_folder();
    let key = "a-key-that-nobody-guesses";
    let tiro = Tiro::start(folder.path(), &["--operator-key", key]);
    assert_first_message_is_shown(&pasted(&tiro, &[("TIRO_OPERATOR_KEY", key)]));
    let ended = tiro.stop();
    assert!(
        !ended.stdout.contains(key) && !ended.stderr.contains(key),
        "{ended:?}"
    );
}
