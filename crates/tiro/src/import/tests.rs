//! Which flags go with which file.

use super::*;
use crate::cli::{self, Command};

fn arguments(line: &[&str]) -> ImportArgs {
    let line = ["tiro", "import"].iter().chain(line).map(Into::into);
    match cli::parse(line).unwrap() {
        Command::Import(args) => args,
        other => panic!("{other:?}"),
    }
}

fn usage_error(result: Result<impl std::fmt::Debug, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    failure.to_string()
}

#[test]
fn plain_lines_need_an_application_or_a_name_for_a_new_one() {
    let message = usage_error(check_destination(&arguments(&["chat.ndjson"]), Kind::Plain));
    assert!(
        message.contains("`chat.ndjson`") && message.contains("--create"),
        "{message}"
    );
    for flag in ["--application", "--create"] {
        let args = arguments(&[flag, "support-application", "chat.ndjson"]);
        assert_eq!(check_destination(&args, Kind::Plain), Ok(()));
    }
}

#[test]
fn an_export_brings_its_application_along() {
    assert_eq!(
        check_destination(&arguments(&["backup.ndjson"]), Kind::Tiro),
        Ok(())
    );
    for flag in ["--application", "--create", "--source"] {
        let args = arguments(&[flag, "support-application", "backup.ndjson"]);
        let message = usage_error(check_destination(&args, Kind::Tiro));
        assert!(message.contains(flag), "{message}");
    }
}

#[test]
fn an_empty_file_is_a_failure_and_not_a_success_without_effect() {
    let failure = check_destination(&arguments(&["--create", "a", "empty"]), Kind::Empty).unwrap_err();
    assert_eq!(failure.exit, Exit::Failed);
    assert!(failure.to_string().contains("`empty` is empty"), "{failure}");
}

#[test]
fn the_source_is_the_file_s_name_without_folders_unless_it_is_given() {
    let args = arguments(&["--create", "a", "some/folder/irc.ndjson.gz"]);
    assert_eq!(
        source_name(&args, Kind::Plain),
        Ok(Some("irc.ndjson.gz".to_owned()))
    );
    let args = arguments(&["--create", "a", "--source", "irc", "some/folder/irc.ndjson.gz"]);
    assert_eq!(source_name(&args, Kind::Plain), Ok(Some("irc".to_owned())));
    assert_eq!(source_name(&arguments(&["backup.ndjson"]), Kind::Tiro), Ok(None));
}

#[test]
fn lines_from_standard_input_need_a_source() {
    let message = usage_error(source_name(&arguments(&["--create", "a"]), Kind::Plain));
    assert!(message.contains("--source"), "{message}");
}
