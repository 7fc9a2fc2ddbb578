//! The disk of the view is full: requests are refused at a bound of memory, reads go on, and free space heals it all.
//!
//! Every write to a table fails with ENOSPC as long as the data folder has its first name, since `strace --inject` goes
//! by the names of files. Space becomes free when the folder changes places with a link to where it then is.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tiro_conformance::{check_export, eventually};
use tiro_core::{Engine, Failure, Lists, NumberRange, Shortage};
use tiro_embedded::disk::RealDisk;
use tiro_embedded::log::LogOptions;
use tiro_embedded::{EmbeddedEngine, Options, ViewOptions};

use crate::store::{block_on, export, fast_folder, open_again, options, send};
use crate::strace;
use crate::view_faults::inject;
use crate::workload::{create_application, create_chat, create_message, keyed, token};

const FOLDER_VARIABLE: &str = "TIRO_PROOF_FULL_VIEW";
const NAME: &str =
    "view_space::a_view_without_space_refuses_writes_at_a_bound_and_goes_on_when_there_is_some";
/// More than the engine may keep in memory here.
const MESSAGES_MAX: u64 = 2_000;

fn open(folder: &Path, fatal: &Arc<AtomicBool>) -> EmbeddedEngine {
    let options = || Options {
        log: LogOptions {
            segment_bytes: 8 << 20,
            payload_bytes_max: 1 << 20,
            ..options(Arc::new(RealDisk), fatal).log
        },
        view: ViewOptions {
            table_bytes: 1 << 20,
            unwritten_bytes_max: 4 << 20,
        },
        ..options(Arc::new(RealDisk), fatal)
    };
    open_again(folder, options)
}

/// Sends messages from this one on until one is refused; answers the number of that one.
fn send_until_refused(engine: &EmbeddedEngine, first: u64) -> u64 {
    for number in first..MESSAGES_MAX {
        match send(engine, &message(number)) {
            Ok(_) => {}
            Err(Failure::Unavailable(unavailable)) => {
                assert_eq!(unavailable.shortage, Shortage::StorageFull);
                return number;
            }
            Err(failure) => panic!("message {number}: {failure:?}"),
        }
    }
    panic!("{MESSAGES_MAX} messages were taken");
}

fn message(number: u64) -> tiro_core::Request {
    let text = format!("{number} {}", "long ".repeat(4_000));
    keyed(create_message(1, &text), 100 + number as usize)
}

fn newest(engine: &EmbeddedEngine) -> u64 {
    let page = block_on(engine.messages(&token(), 1, NumberRange::Last { limit: 3 })).unwrap();
    page.items.last().unwrap().number
}

fn serve_a_full_disk(folder: &Path) {
    let fatal = Arc::new(AtomicBool::new(false));
    let engine = open(folder, &fatal);
    let refused = send_until_refused(&engine, 2);
    assert_eq!(engine.health().writes_blocked, Some(Shortage::StorageFull));
    assert_eq!(newest(&engine), refused - 1, "reads go on");
    for number in 1..refused {
        let seen = block_on(engine.message(&token(), 1, number)).unwrap();
        assert_eq!(seen.thing.number, number);
    }
    // An export is read from the view, which cannot take what it lacks.
    let failure = block_on(engine.export(None)).map(drop).unwrap_err();
    let full = |unavailable: &tiro_core::Unavailable| unavailable.shortage == Shortage::StorageFull;
    assert!(
        matches!(&failure, Failure::Unavailable(unavailable) if full(unavailable)),
        "{failure:?}"
    );

    let elsewhere = elsewhere(folder);
    symlink(&elsewhere, &elsewhere).unwrap();
    renameat_with(CWD, folder, CWD, &elsewhere, RenameFlags::EXCHANGE).unwrap();
    eventually("writes go on", || send(&engine, &message(refused)).ok());
    assert_eq!(engine.health().writes_blocked, None);
    for number in refused + 1..refused + 100 {
        send(&engine, &message(number)).unwrap();
    }
    assert_eq!(newest(&engine), refused + 99);
    check_export(&export(&engine)).unwrap();
    engine.close().unwrap();
    assert!(!fatal.load(Ordering::SeqCst), "the process was told to end");
    println!("refused {refused}");
}

fn elsewhere(folder: &Path) -> std::path::PathBuf {
    folder.with_extension("elsewhere")
}

/// The follower went on for so long that 256 MiB were in memory, and then ended the process for want of space.
#[test]
fn a_view_without_space_refuses_writes_at_a_bound_and_goes_on_when_there_is_some() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return serve_a_full_disk(Path::new(&folder));
    }
    let (around, fatal) = (fast_folder(), Arc::default());
    let folder = around.path().join("data");
    let engine = open(&folder, &fatal);
    for (number, command) in [create_application(), create_chat()].into_iter().enumerate() {
        send(&engine, &keyed(command, number)).unwrap();
    }
    send(&engine, &message(1)).unwrap();
    engine.close().unwrap();
    let injected = inject(&folder, "write,pwrite64,writev:error=ENOSPC");
    let said = strace::run_test(NAME, injected, [(FOLDER_VARIABLE, folder.as_os_str())]);
    let refused = said.lines().find_map(|line| line.split_once("refused "));
    let refused: u64 = refused.unwrap().1.parse().unwrap();
    println!("message {refused} was refused");
    let engine = open(&elsewhere(&folder), &fatal);
    assert_eq!(engine.opening().view_rebuilt, None);
    assert_eq!(
        engine.opening().log.batches_replayed,
        0,
        "the view has everything"
    );
    assert_eq!(newest(&engine), refused + 99);
    check_export(&export(&engine)).unwrap();
}
