//! A folder of format 1, written once and kept in the repository, still opens and says the same.
//!
//! To write it anew after an intended change of format, run this test with `TIRO_WRITE_FIXTURE=1`; a changed format
//! needs a new version and a folder of its own beside this one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Store;
use crate::EmbeddedEngine;
use crate::log::LogOptions;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1")
}

/// The state as text, to be kept beside the folder.
fn described(store: &Store) -> String {
    let mut text = String::new();
    for application in store.exported() {
        writeln!(text, "{:#?}", application.entries).unwrap();
    }
    text
}

/// Zeros at the end of the last segment are space for what comes; a repository need not carry them.
fn unpack(to: &Path) {
    std::fs::create_dir_all(to.join("log")).unwrap();
    std::fs::copy(fixture().join("format"), to.join("format")).unwrap();
    std::fs::copy(fixture().join("log/mark"), to.join("log/mark")).unwrap();
    let mut segment = std::fs::read(fixture().join("log/0000000000000001.seg")).unwrap();
    segment.resize(SEGMENT_BYTES, 0);
    std::fs::write(to.join("log/0000000000000001.seg"), segment).unwrap();
}

const SEGMENT_BYTES: usize = 9 << 20;

fn write_fixture() {
    let mut store = Store::with_one_chat();
    store.send(1, 20);
    store.delete_message(1, 3);
    store.create_chat();
    store.delete_chat(2);
    let text = described(&store);
    store.close();
    let to = fixture();
    std::fs::create_dir_all(to.join("log")).unwrap();
    std::fs::write(to.join("state.txt"), text).unwrap();
    std::fs::copy(store.path().join("format"), to.join("format")).unwrap();
    std::fs::copy(store.path().join("log/mark"), to.join("log/mark")).unwrap();
    let segment = std::fs::read(store.path().join("log/0000000000000001.seg")).unwrap();
    let used = segment.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    std::fs::write(to.join("log/0000000000000001.seg"), &segment[..used]).unwrap();
}

#[test]
fn a_folder_of_format_1_opens_and_says_what_it_said() {
    if std::env::var_os("TIRO_WRITE_FIXTURE").is_some() {
        write_fixture();
    }
    let mut store = Store::with_one_chat();
    store.close();
    store.folder = tempfile::tempdir().unwrap();
    unpack(store.path());
    let log = LogOptions {
        free_floor_bytes: 1 << 20,
        ..LogOptions::default()
    };
    let options = crate::Options {
        log,
        ..crate::Options::default()
    };
    store.engine = Some(EmbeddedEngine::open(store.path(), options).unwrap());
    let expected = std::fs::read_to_string(fixture().join("state.txt")).unwrap();
    assert_eq!(described(&store), expected);
}
