//! A writer that panics is a bug, and must not leave a process behind that accepts requests and never answers them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use tiro_core::{Command, Engine, Failure, IfMatch, Request, Shortage, Timestamp, Token};

use super::options;
use crate::{EmbeddedEngine, Options};

fn shortage(answer: Result<tiro_core::Reply, Failure>) -> Shortage {
    match answer {
        Err(Failure::Unavailable(unavailable)) => unavailable.shortage,
        other => panic!("it was not carried out: {other:?}"),
    }
}

/// The process stayed up, and clients waited until they gave up.
#[test]
fn a_panic_of_the_writer_answers_all_that_waits_and_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (told, fatal) = mpsc::channel();
    let asked = AtomicUsize::new(0);
    let options = Options {
        // Asked once a batch.
        clock: Arc::new(move || {
            assert!(asked.fetch_add(1, Ordering::Relaxed) == 0, "the clock is broken");
            Timestamp::from_millis(0)
        }),
        on_fatal: Box::new(move |failed| told.send(failed.to_string()).unwrap()),
        ..options()
    };
    let engine = EmbeddedEngine::open(folder.path(), options).unwrap();
    let request = || {
        Request::new(Command::DeleteChat {
            token: Token::parse("an_application_that_is_not").unwrap(),
            chat: 1,
            if_match: IfMatch::Any,
        })
    };
    assert!(matches!(
        engine.write_blocking(request()),
        Err(Failure::Rejected(_))
    ));
    assert_eq!(
        shortage(engine.write_blocking(request())),
        Shortage::OutcomeUnknown
    );
    assert_eq!(fatal.recv().unwrap(), "the writer panicked: the clock is broken");
    assert_eq!(engine.health().writes_blocked, Some(Shortage::Stopping));
    assert_eq!(shortage(engine.write_blocking(request())), Shortage::Stopping);
    assert!(engine.close().is_err());
}
