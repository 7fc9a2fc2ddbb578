//! `--operator-key-file`: a key that the first start makes, shows once and keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::requests::create_application;
use crate::support::{Tiro, block_on, temp_folder};
use tiro_client::Paging;

const SHOWN: &str = "TIRO_OPERATOR_KEY=";

#[test]
fn the_first_start_makes_a_key_that_holds_from_then_on_and_is_shown_once() {
    let folder = temp_folder();
    let file = folder.path().join("operator-key");
    let arguments = ["--operator-key-file", file.to_str().unwrap()];
    let data = folder.path().join("data");
    let tiro = Tiro::start(&data, &arguments);
    let key = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(key.len(), 32, "{key}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    block_on(create_application(&tiro.client_with(Some(&key))));
    let refused = block_on(tiro.client().applications(&Paging::default()));
    assert!(refused.is_err(), "{refused:?}");
    let ended = tiro.stop();
    assert_eq!(
        ended.stdout.matches(&format!("{SHOWN}{key}")).count(),
        1,
        "{ended:?}"
    );
    assert!(!ended.stderr.contains(&key), "{ended:?}");

    let tiro = Tiro::start(&data, &arguments);
    block_on(create_application(&tiro.client_with(Some(&key))));
    let ended = tiro.stop();
    assert!(
        !ended.stdout.contains(&key) && !ended.stderr.contains(&key),
        "{ended:?}"
    );
    assert!(ended.stdout.contains(file.to_str().unwrap()), "{ended:?}");
}

#[test]
fn with_a_key_file_every_address_may_be_served() {
    let folder = temp_folder();
    let file = folder.path().join("operator-key");
    let arguments = [
        "--listen",
        "0.0.0.0:0",
        "--operator-key-file",
        file.to_str().unwrap(),
    ];
    let ended = Tiro::start(&folder.path().join("data"), &arguments).stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_key_that_is_given_beats_the_file_which_is_not_made() {
    let folder = temp_folder();
    let file = folder.path().join("operator-key");
    let arguments = [
        "--operator-key-file",
        file.to_str().unwrap(),
        "--operator-key",
        "given",
    ];
    let tiro = Tiro::start(&folder.path().join("data"), &arguments);
    block_on(create_application(&tiro.client_with(Some("given"))));
    assert_eq!(tiro.stop().code, Some(0));
    assert!(!file.exists());
}

#[test]
fn a_file_that_holds_no_key_or_cannot_be_made_is_named_and_so_is_what_excludes_it() {
    let folder = temp_folder();
    let empty = folder.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let nowhere = folder.path().join("nowhere/operator-key");
    for (file, more, code, said) in [
        (&empty, &[][..], 1, "holds no key"),
        (&nowhere, &[], 1, "cannot be made"),
        (&folder.path().to_owned(), &[], 1, "cannot be read"),
        (&empty, &["--open"], 2, "--open"),
    ] {
        let arguments = [&["--operator-key-file", file.to_str().unwrap()][..], more].concat();
        let ended = Tiro::command(&folder.path().join("data"), &arguments).run();
        assert_eq!(ended.code, Some(code), "{said}: {ended:?}");
        assert!(
            ended.stderr.contains(said) && ended.stderr.contains("--operator-key-file"),
            "{ended:?}"
        );
    }
}
