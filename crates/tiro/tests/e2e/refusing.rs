//! What cannot be served is refused with one message that names the flag to change.

use crate::support::{Launch, Tiro, temp_folder};

#[test]
fn a_taken_port_is_named_with_the_flag() {
    let (first, second) = (temp_folder(), temp_folder());
    let tiro = Tiro::start(first.path(), &[]);
    let data = second.path().to_str().unwrap();
    let ended = Launch::new(["serve", "--listen", tiro.host(), "--data", data]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in [tiro.host(), "--listen", "another program"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_the_first_goes_on() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let ended = Tiro::command(folder.path(), &[]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in ["in use", "--data", folder.path().to_str().unwrap()] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    crate::support::block_on(tiro.client().healthz()).unwrap();
    assert_eq!(tiro.stop().code, Some(0));
}

#[test]
fn an_address_beyond_this_machine_needs_an_operator_key_or_open() {
    let folder = temp_folder();
    let data = folder.path().to_str().unwrap();
    let ended = Launch::new(["serve", "--listen", "0.0.0.0:0", "--data", data]).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for said in ["0.0.0.0", "--operator-key", "--open"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn an_address_that_this_machine_does_not_have_is_named_with_the_flag() {
    let folder = temp_folder();
    let data = folder.path().to_str().unwrap();
    // 192.0.2.0/24 is for documentation: no machine has it.
    let serve = [
        "serve",
        "--operator-key",
        "k",
        "--listen",
        "192.0.2.1:0",
        "--data",
        data,
    ];
    let ended = Launch::new(serve).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in ["192.0.2.1", "--listen"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn a_data_folder_that_cannot_be_one_is_named_with_the_flag() {
    let folder = temp_folder();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").unwrap();
    for data in [file.clone(), file.join("below")] {
        let ended = Tiro::command(&data, &[]).run();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for said in ["--data", data.to_str().unwrap()] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
    }
}

#[test]
fn wrong_values_are_usage_errors_that_name_the_flag() {
    let folder = temp_folder();
    for (arguments, said) in [
        (&["--operator-key", "with space"][..], "--operator-key"),
        (&["--operator-key", ""], "--operator-key"),
        (&["--operator-key", "k", "--open"], "--open"),
        (&["--cors-origin", "example.org"], "--cors-origin"),
        (&["--log-level", "tiro=loud"], "--log-level"),
        (&["--body-bytes-max", "many"], "--body-bytes-max"),
    ] {
        let ended = Tiro::command(folder.path(), arguments).run();
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
        assert!(
            !ended.stderr.contains("with space"),
            "a key was shown: {}",
            ended.stderr
        );
    }
}

#[test]
fn variables_set_what_flags_set_and_a_wrong_one_is_a_usage_error() {
    let folder = temp_folder();
    let data = folder.path().join("from-variable");
    let launch = Launch::new(["serve"])
        .env("TIRO_LISTEN", "127.0.0.1:0,[::1]:0")
        .env("TIRO_DATA", data.to_str().unwrap())
        .env("TIRO_LOG_FORMAT", "json");
    let ended = Tiro::launch(launch).stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(data.is_dir());
    assert_eq!(
        ended.stdout.matches("listening on").count(),
        2,
        "{}",
        ended.stdout
    );
    assert!(
        ended.stderr.lines().all(|line| line.starts_with('{')),
        "{}",
        ended.stderr
    );

    let ended = Launch::new(["serve"]).env("TIRO_OPEN", "perhaps").run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--open"), "{}", ended.stderr);
}

#[test]
fn flags_alone_mean_serve_and_the_data_is_in_tiro_data_here() {
    let folder = temp_folder();
    let launch = Launch::new(["--listen", "127.0.0.1:0"]).current_dir(folder.path());
    let ended = Tiro::launch(launch).stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let data = folder.path().join("tiro-data");
    assert!(
        data.is_dir() && ended.stdout.contains(data.to_str().unwrap()),
        "{}",
        ended.stdout
    );
}
