//! The command line as a contract: variables, defaults, bounds, messages.

use clap::CommandFactory;

use super::*;

fn parsed(line: &[&str]) -> Result<Command, clap::Error> {
    parse(line.iter().map(Into::into))
}

fn served(line: &[&str]) -> ServeArgs {
    match parsed(line).unwrap() {
        Command::Serve(args) => *args,
        other => panic!("{other:?}"),
    }
}

fn refused(line: &[&str]) -> String {
    let error = parsed(line).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn without_a_command_tiro_serves() {
    for line in [
        &["tiro"][..],
        &["tiro", "--listen", "127.0.0.1:0"],
        &["tiro", "serve"],
        &[],
    ] {
        assert!(matches!(parsed(line), Ok(Command::Serve(_))), "{line:?}");
    }
}

#[test]
fn help_and_version_are_about_tiro_and_fine() {
    for flag in ["--help", "-h", "--version", "-V"] {
        let shown = parsed(&["tiro", flag]).unwrap_err();
        assert_eq!(shown.exit_code(), 0, "{flag}");
    }
    let help = parsed(&["tiro", "--help"]).unwrap_err().to_string();
    for said in [
        "serve",
        "import",
        "export",
        "search",
        "follow",
        "verify",
        "new-epoch",
        "Exit status",
        "TIRO_OPERATOR_KEY",
    ] {
        assert!(help.contains(said), "{said} in {help}");
    }
}

#[test]
fn every_command_teaches_by_example_and_names_its_exit_statuses() {
    for command in Cli::command().get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        for said in ["Example", "Exit status", &format!("tiro {}", command.get_name())] {
            assert!(help.contains(said), "{said} in {help}");
        }
    }
}

#[test]
fn every_flag_has_its_variable_and_no_help_shows_a_secret() {
    for command in Cli::command().get_subcommands() {
        for flag in command
            .get_arguments()
            .filter(|argument| !argument.is_positional())
        {
            let name = flag.get_long().unwrap();
            if name == "help" {
                continue;
            }
            let variable = format!("TIRO_{}", name.replace('-', "_").to_uppercase());
            let actual = flag.get_env().and_then(|variable| variable.to_str());
            assert_eq!(actual, Some(variable.as_str()), "{} --{name}", command.get_name());
            let secret = matches!(name, "operator-key" | "application");
            assert_eq!(
                flag.is_hide_env_values_set(),
                secret,
                "{} --{name}",
                command.get_name()
            );
        }
    }
}

#[test]
fn repeated_flags_and_comma_separated_ones_are_the_same() {
    let repeated = served(&["tiro", "--listen", "127.0.0.1:1", "--listen", "[::1]:2"]);
    let separated = served(&["tiro", "--listen", "127.0.0.1:1, [::1]:2"]);
    assert_eq!(repeated.listen, separated.listen);
    assert_eq!(repeated.listen.len(), 2);
}

#[test]
fn the_defaults_are_loopback_port_3000_and_the_documented_limits() {
    let args = served(&["tiro"]);
    assert_eq!(args.listen, ["127.0.0.1:3000".parse().unwrap()]);
    assert_eq!(args.data, std::path::Path::new("./tiro-data"));
    assert_eq!(args.limits.limits(), tiro_core::Limits::default());
    assert!(!args.open && !args.accept_data_loss && args.operator_key.is_none());
    assert_eq!(args.rate.limit(), None);
}

#[test]
fn a_rate_limit_has_a_burst_of_a_second_unless_another_is_given() {
    let limit = |line: &[&str]| served(line).rate.limit();
    let rate = tiro_core::RateLimit::new;
    assert_eq!(limit(&["tiro", "--rate-limit", "100"]), rate(100, 100));
    let both = ["tiro", "--rate-limit", "100", "--rate-limit-burst", "200"];
    assert_eq!(limit(&both), rate(100, 200));
}

#[test]
fn each_limit_reaches_its_own_setting() {
    let args = served(&[
        "tiro",
        "--name-chars-max=1",
        "--title-chars-max=2",
        "--body-bytes-max=3",
        "--sender-bytes-max=4",
        "--metadata-bytes-max=5",
        "--batch-messages-max=6",
        "--query-chars-max=7",
        "--query-terms-max=8",
        "--batch-bytes-max=2000",
        "--connections-max=9",
        "--head-bytes-max=9000",
        "--head-timeout-ms=10",
        "--body-timeout-ms=11",
        "--idle-timeout-ms=12",
        "--drain-timeout-ms=13",
        "--slow-request-ms=14",
    ]);
    let limits = args.limits.limits();
    assert_eq!(
        (
            limits.name_chars_max,
            limits.title_chars_max,
            limits.body_bytes_max
        ),
        (1, 2, 3)
    );
    assert_eq!(
        (
            limits.sender_bytes_max,
            limits.metadata_bytes_max,
            limits.batch_messages_max
        ),
        (4, 5, 6)
    );
    assert_eq!((limits.query_chars_max, limits.query_terms_max), (7, 8));
    let transport = args.connections.transport(&args.limits);
    assert_eq!(
        (
            transport.batch_bytes_max,
            transport.connections_max,
            transport.head_bytes_max
        ),
        (2_000, 9, 9_000)
    );
    let timeouts = [
        transport.head_timeout,
        transport.body_timeout,
        transport.idle_timeout,
        transport.drain_timeout,
        transport.slow_request,
    ];
    assert_eq!(timeouts.map(|timeout| timeout.as_millis()), [10, 11, 12, 13, 14]);
}

#[test]
fn an_address_may_say_localhost() {
    assert_eq!(
        served(&["tiro", "--listen", "localhost:8080"]).listen,
        ["127.0.0.1:8080".parse().unwrap()]
    );
}

#[test]
fn a_wrong_value_is_refused_with_the_flag_and_what_to_write() {
    for (line, said) in [
        (&["tiro", "--listen", "3000"][..], "127.0.0.1:3000"),
        (&["tiro", "--listen", "example.org:3000"], "--listen"),
        (&["tiro", "--listen", ""], "--listen"),
        (&["tiro", "--body-bytes-max", "0"], "1..=1048576"),
        (&["tiro", "--body-bytes-max", "1048577"], "--body-bytes-max"),
        (&["tiro", "--log-format", "xml"], "text, json"),
        (&["tiro", "--rate-limit", "0"], "1..=1000000"),
        (&["tiro", "--rate-limit-burst", "5"], "--rate-limit <N>"),
        (
            &["tiro", "import", "--application", "a", "--create", "b"],
            "--create",
        ),
        (&["tiro", "import", "--operator-key", ""], "is empty"),
        (&["tiro", "verify", "--daat", "x"], "--data"),
        (&["tiro", "search"], "QUERY"),
        (&["tiro", "search", "--chat", "4", "a"], "--application"),
        (&["tiro", "search", "--limit", "0", "a"], "--limit"),
        (&["tiro", "search", "--all", "--limit", "9", "a"], "--all"),
        (&["tiro", "search", "--force"], "--force"),
        (&["tiro", "follow"], "TOKEN"),
        (&["tiro", "follow", "t", "--chat", "0"], "--chat"),
        (
            &["tiro", "follow", "t", "--type", "message.made"],
            "message.created",
        ),
        (&["tiro", "follow", "t", "--after", ""], "is empty"),
        (&["tiro", "sreve"], "serve"),
    ] {
        let message = refused(line);
        assert!(message.contains(said), "{line:?}: {message}");
    }
}

#[test]
fn the_words_of_a_query_are_taken_as_they_stand() {
    for (line, words) in [
        (&["tiro", "search", "a", "b c"][..], &["a", "b c"][..]),
        (
            &["tiro", "search", "--limit", "7", "--", "--force", "-"],
            &["--force", "-"],
        ),
        (
            &["tiro", "search", "a", "--application", "t", "--chat", "4"],
            &["a"],
        ),
    ] {
        match parsed(line).unwrap() {
            Command::Search(args) => assert_eq!(args.query, words, "{line:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_limit_is_taken_at_its_bounds() {
    assert_eq!(
        served(&["tiro", "--body-bytes-max", "1048576"])
            .limits
            .body_bytes_max,
        1_048_576
    );
    assert_eq!(
        served(&["tiro", "--body-bytes-max", "1"]).limits.body_bytes_max,
        1
    );
}
