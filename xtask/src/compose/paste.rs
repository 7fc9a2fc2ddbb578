//! Lines for people, pasted into a shell: those of the README, and those that a server prints.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::node::Node;
use crate::root::root;

/// The address that the README's lines have.
const ADDRESS: &str = "http://127.0.0.1:3000";

/// The README's lines at a node; fails unless each is answered with what it asks for.
pub(crate) fn readme(node: &Node) -> anyhow::Result<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    let lines = session(&readme).context("the README has no lines with curl")?;
    let answers = paste(&lines.replace(ADDRESS, &node.address()), None)?;
    Ok(format!("{answers} answers"))
}

/// The lines that a server has printed, with the operator key that it has made.
pub(crate) fn printed(printed: &str, operator_key: &str) -> anyhow::Result<String> {
    let lines: Vec<&str> = printed
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("curl ") || line.starts_with("TOKEN="))
        .collect();
    let answers = paste(&lines.join("\n"), Some(operator_key))?;
    Ok(format!("{answers} answers"))
}

/// The first block of a shell's lines that calls the API.
fn session(readme: &str) -> Option<String> {
    let blocks = readme.split("```sh\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let session = blocks.find(|block| block.contains("curl ") && block.contains(ADDRESS))?;
    Some(session.to_owned())
}

/// Runs the lines; how many answers they print. An answer that tells of an error fails.
fn paste(lines: &str, operator_key: Option<&str>) -> anyhow::Result<usize> {
    let mut shell = Command::new("sh");
    shell
        .arg("-eu")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell.envs(operator_key.map(|key| ("TIRO_OPERATOR_KEY", key)));
    let mut shell = shell.spawn().context("cannot start sh")?;
    let mut input = shell.stdin.take().context("the shell has no input")?;
    input.write_all(lines.as_bytes())?;
    drop(input);
    let output = shell.wait_with_output()?;
    let said = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        bail!(
            "{}: {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut answers = 0;
    for line in said.lines() {
        let answer: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        // RFC 9457: a problem has its status as a number.
        if answer["status"].is_number() {
            bail!("refused: {line}");
        }
        answers += 1;
    }
    if answers < 3 {
        bail!("only {answers} answers: {said}");
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_lines_to_paste() {
        let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
        let session = session(&readme).unwrap();
        assert!(session.contains("/chats/1/messages"), "{session}");
    }

    #[test]
    fn a_refusal_and_a_short_session_are_errors() {
        let three = "echo '{}'\necho '{}'\necho \"{\\\"key\\\":\\\"$TIRO_OPERATOR_KEY\\\"}\"\n";
        assert_eq!(paste(three, Some("k")).unwrap(), 3);
        assert!(paste(three, None).is_err(), "the variable is not set");
        assert!(paste("echo '{}'", None).is_err());
        let refused = format!("{three}echo '{{\"status\":404}}'");
        assert!(
            paste(&refused, Some("k"))
                .unwrap_err()
                .to_string()
                .contains("refused")
        );
    }
}
