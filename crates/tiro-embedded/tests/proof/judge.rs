//! Holds a data folder that was found after a crash against the workload that was written to it.

use std::sync::Arc;

use fastrand::Rng;
use tiro_conformance::{check_export, check_feeds};
use tiro_core::{Command, Engine, Outcome};
use tiro_embedded::EmbeddedEngine;

use crate::media::{Note, Step};
use crate::store::{Store, block_on, export};
use crate::wish::Wish;
use crate::workload::Workload;

/// In one of so many the feeds are held against a fresh read too: it takes longer than all the rest.
const FEEDS_ONE_IN: usize = 8;

/// What the writer knew when the crash came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    pub(crate) submitted: usize,
    pub(crate) acknowledged: usize,
    /// The view is durable up to that sequence.
    pub(crate) view_sequence: u64,
}

impl Known {
    /// What is known after those steps.
    pub(crate) fn after(steps: &[Step]) -> Known {
        let mut known = Known::default();
        for step in steps {
            if let Step::Note(note) = step {
                known.learn(*note);
            }
        }
        known
    }

    pub(crate) fn learn(&mut self, note: Note) {
        match note {
            Note::Submitted(requests) => self.submitted = requests,
            Note::Acknowledged(requests) => self.acknowledged = requests,
            Note::ViewDurable(sequence) => self.view_sequence = sequence,
        }
    }
}

/// Opens the store and checks that it has every acknowledged request and nothing that was not asked for, that keys,
/// numbers, counts and feeds are right, that the view was not made anew, and that it goes on. Answers how many requests it has.
pub(crate) fn judge(store: &Store, workload: &Workload, known: Known, rng: &mut Rng) -> usize {
    let engine = store
        .open()
        .unwrap_or_else(|error| panic!("does not open: {error}"));
    let engine = Arc::new(engine);
    let opening = engine.opening();
    assert_eq!(opening.view_rebuilt, None, "the view was made anew");
    assert_eq!(opening.log.accepted_loss, None);
    let replayed_from = opening.replayed_from.map_or(0, |from| from.sequence);
    assert!(
        replayed_from >= known.view_sequence,
        "the view had batch {} and now has only {replayed_from}",
        known.view_sequence
    );
    let found = export(&*engine);
    check_export(&found).unwrap();
    if rng.usize(..FEEDS_ONE_IN) == 0 {
        let engine: Arc<dyn Engine> = engine.clone();
        block_on(check_feeds(&engine, &found, rng.u32(1..=1_000)));
    }
    let present = workload.requests_in(&found, known.acknowledged, known.submitted);
    check_keys(&engine, workload, present, rng);
    assert!(export(&*engine) == found, "requests sent again changed something");
    if let Some(next) = workload.wishes.get(present) {
        assert_eq!(
            block_on(next.submit(&*engine)),
            workload.replies[present],
            "the next wish"
        );
        workload.requests_in(&export(&*engine), present + 1, present + 1);
    }
    engine.close().unwrap();
    present
}

/// Sends some of the keyed requests again, the newest too, and an import.
fn check_keys(engine: &EmbeddedEngine, workload: &Workload, present: usize, rng: &mut Rng) {
    // A delete that was repeated changed nothing and has bound no key.
    let changed = |index: &usize| {
        let reply = workload.replies[*index].as_ref();
        reply.is_ok_and(|reply| reply.cursor.is_some())
    };
    let is_import = |index: &usize| {
        let command = workload.wishes[*index].command();
        matches!(
            command,
            Some(Command::ImportChat(_) | Command::ImportMessages { .. })
        )
    };
    let is_stored =
        |index: &usize| workload.wishes[*index].key().is_some() && changed(index) && !is_import(index);
    let was_stored = |index: &usize| is_import(index) && workload.replies[*index].is_ok();
    let imports: Vec<usize> = (0..present).filter(was_stored).collect();
    if !imports.is_empty() {
        check_import(engine, &workload.wishes[imports[rng.usize(0..imports.len())]]);
    }
    let stored: Vec<usize> = (0..present).filter(is_stored).collect();
    let Some(newest) = stored.last() else { return };
    for index in [
        *newest,
        stored[rng.usize(0..stored.len())],
        stored[rng.usize(0..stored.len())],
    ] {
        let again = block_on(workload.wishes[index].submit(engine)).unwrap_or_else(|failure| {
            panic!("request {index} of {present} is refused when it is sent again: {failure:?}")
        });
        let first = workload.replies[index].as_ref().unwrap();
        assert!(
            again.replayed,
            "request {index} of {present} was carried out again"
        );
        assert_eq!(again.cursor, first.cursor);
        assert_eq!(
            numbers(&again.outcome),
            numbers(&first.outcome),
            "request {index}"
        );
    }
}

/// An import that runs again makes nothing; it may be refused, if its chat was deleted since.
fn check_import(engine: &EmbeddedEngine, import: &Wish) {
    if let Ok(again) = block_on(import.submit(engine)) {
        assert!(
            matches!(
                again.outcome,
                Outcome::ImportedChat { created: false, .. } | Outcome::ImportedMessages { created: 0, .. }
            ),
            "{again:?}"
        );
    }
}

/// The numbers in an answer.
fn numbers(outcome: &Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Chat(chat) => (chat.number, 1),
        Outcome::Message(message) => (message.number, 1),
        Outcome::Messages { first, count } => (*first, *count),
        _ => (0, 0),
    }
}
