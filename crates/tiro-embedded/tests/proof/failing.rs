//! The disk fails at every step that the log takes, while it is used and while it is opened.
//!
//! Whatever happens, the process ends, the folder opens again with all that was acknowledged, and what was shown once
//! survives a power loss right after.

use std::sync::atomic::Ordering;

use fastrand::Rng;
use tiro_conformance::eventually;
use tiro_core::Shortage;

use crate::crashes::record;
use crate::image::Fate;
use crate::judge::Known;
use crate::media::{Media, Step};
use crate::memory_disk::Fault;
use crate::store::{Played, Store, block_on, export};
use crate::workload::Workload;

const FAULTS: [Fault; 4] = [Fault::Error, Fault::ShortWrite, Fault::LostSync, Fault::NoSpace];
/// Requests: enough for a second segment.
const REQUESTS: usize = 60;

#[test]
fn whichever_step_fails_nothing_acknowledged_is_lost_and_nothing_shown_is_taken_back() {
    let workload = Workload::new(REQUESTS, 7);
    for fault in FAULTS {
        let mut failed = 0;
        for step in 0.. {
            let mut store = Store::empty();
            if fault == Fault::NoSpace {
                // What follows a refused request may be carried out before it is sent again.
                store.burst = 1;
            }
            store.disk.fail_after(step, fault);
            run(&store, &workload);
            if !store.disk.has_failed() {
                break;
            }
            failed += 1;
            let known = Known::after(&store.disk.recording());
            check_shown_is_kept(store.disk.media(), &workload, known);
        }
        println!("{fault:?} at each of {failed} steps");
        assert!(failed > 60, "{failed} steps of {fault:?}");
    }
}

/// Two sessions, each until the process would end.
fn run(store: &Store, workload: &Workload) {
    let mut from = 0;
    for part in [workload.first(REQUESTS / 2), workload.first(REQUESTS)] {
        let engine = match store.open() {
            Ok(engine) => engine,
            Err(error) => return check_names_a_file(&error.to_string()),
        };
        let mut played = store.play(&engine, &part, from);
        if played.stopped == Some(Shortage::StorageFull) {
            // The fault was a single one, as if space had been freed at once.
            played = eventually("writes go on", || {
                let again = store.play(&engine, &part, played.acknowledged);
                (again.stopped != Some(Shortage::StorageFull)).then_some(again)
            });
        }
        let shown = export(&engine);
        workload.requests_in(&shown, played.acknowledged, played.acknowledged);
        if let Played {
            stopped: Some(_),
            acknowledged,
        } = played
        {
            eventually("the process is told to end", || {
                store.fatal.load(Ordering::SeqCst).then_some(())
            });
            assert!(
                block_on(workload.wishes[acknowledged].submit(&engine)).is_err(),
                "a failed log took a write"
            );
            return;
        }
        if let Err(error) = engine.close() {
            return check_names_a_file(&error.to_string());
        }
        from = played.acknowledged;
    }
}

fn check_names_a_file(text: &str) {
    let named = ["lock", "format", "mark", ".seg", "/log", "/dev/shm", "/tmp"];
    assert!(named.iter().any(|name| text.contains(name)), "{text}");
}

/// A new process on the same disk, and a power loss as soon as it has shown something.
fn check_shown_is_kept(media: Media, workload: &Workload, known: Known) {
    let restarted = Store::on(media);
    let engine = restarted
        .open()
        .unwrap_or_else(|error| panic!("does not open: {error}"));
    let shown = export(&engine);
    workload.requests_in(&shown, known.acknowledged, known.submitted);
    let lost_power = restarted
        .disk
        .media()
        .image(Fate::Dropped, &mut Rng::with_seed(1));
    drop(engine);
    let again = Store::holding(&lost_power).open();
    let engine = again.unwrap_or_else(|error| panic!("does not open after the power loss: {error}"));
    assert!(export(&engine) == shown, "what was shown is gone");
}

#[test]
fn whichever_step_of_opening_fails_the_next_opening_has_everything() {
    let workload = Workload::new(REQUESTS, 7);
    let steps = record(&workload);
    let mut interrupted = Rng::with_seed(1);
    for fault in FAULTS {
        for (media, known) in unsynced_writes(&steps) {
            for step in 0.. {
                let torn = media.image(Fate::Torn(512), &mut interrupted);
                let store = if step % 2 == 0 {
                    Store::on(media.clone())
                } else {
                    Store::holding(&torn)
                };
                store.disk.fail_after(step, fault);
                match store.open() {
                    Ok(engine) => drop(engine),
                    Err(error) => check_names_a_file(&error.to_string()),
                }
                if !store.disk.has_failed() {
                    break;
                }
                check_shown_is_kept(store.disk.media(), &workload, known);
            }
        }
    }
}

/// The medium after some of the writes to a segment that are not synced yet.
fn unsynced_writes(steps: &[Step]) -> Vec<(Media, Known)> {
    let mut media = Media::default();
    let mut found = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        media.apply(step);
        if matches!(step, Step::Write { .. }) && index % 7 == 0 {
            found.push((media.clone(), Known::after(&steps[..=index])));
        }
    }
    found
}
