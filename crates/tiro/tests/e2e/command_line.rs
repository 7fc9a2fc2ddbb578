//! Help, version and exit statuses.

use crate::support::{Launch, Tiro, temp_folder};

#[test]
fn help_of_every_command_is_fine_and_goes_to_standard_output() {
    for line in [
        &["--help"][..],
        &["serve", "--help"],
        &["import", "--help"],
        &["export", "--help"],
        &["search", "--help"],
        &["status", "--help"],
        &["verify", "--help"],
        &["new-epoch", "--help"],
    ] {
        let ended = Launch::new(line).run();
        assert_eq!(ended.code, Some(0), "{line:?}: {ended:?}");
        assert!(
            ended.stdout.contains("Example") && ended.stderr.is_empty(),
            "{line:?}: {ended:?}"
        );
        assert!(ended.stdout.contains("TIRO_"), "{line:?}: {}", ended.stdout);
    }
    let version = Launch::new(["--version"]).run();
    assert_eq!(
        version.stdout.trim(),
        format!("tiro {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn help_shows_no_key_from_the_environment() {
    for command in ["serve", "import", "export", "search", "status"] {
        let ended = Launch::new([command, "--help"])
            .env("TIRO_OPERATOR_KEY", "top-secret")
            .run();
        assert!(!ended.stdout.contains("top-secret"), "{}", ended.stdout);
    }
}

#[test]
fn status_says_whether_a_server_can_serve_and_is_one_object_for_programs() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let status = Launch::new(["status", "--server", &tiro.address]).run();
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains(": ready, up "), "{status:?}");
    let json = Launch::new(["status", "--server", &tiro.address, "--json"]).run();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["ready"], &json["dead_letters"]), (&true.into(), &0.into()));
    for list in ["queues", "partitions", "nodes"] {
        assert_eq!(
            json[list],
            serde_json::json!([]),
            "a server of one process has none"
        );
    }
}

#[test]
fn a_mistake_on_the_command_line_ends_with_2_and_goes_to_standard_error() {
    for line in [
        &["sreve"][..],
        &["--no-such-flag"],
        &["export", "a", "b"],
        &["import", "--server"],
    ] {
        let ended = Launch::new(line).run();
        assert_eq!(ended.code, Some(2), "{line:?}: {ended:?}");
        assert!(
            !ended.stderr.is_empty() && ended.stdout.is_empty(),
            "{line:?}: {ended:?}"
        );
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_1_and_names_the_flag() {
    // Port 1 of loopback: nothing listens there, and no test may.
    let ended = Launch::new(["export", "--server", "http://127.0.0.1:1"]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("--server") && ended.stderr.contains("tiro serve"),
        "{}",
        ended.stderr
    );
    let ended = Launch::new(["export", "--server", "127.0.0.1:3000"]).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("http://127.0.0.1:3000"), "{}", ended.stderr);
}
