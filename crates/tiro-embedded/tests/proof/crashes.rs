//! The machine dies at every step that the log takes, and what is left is opened.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use fastrand::Rng;

use crate::counts;
use crate::image::{FATES, Fate};
use crate::judge::{Known, judge};
use crate::media::{Image, Media, Note, Step};
use crate::store::{Store, export};
use crate::workload::Workload;

/// Images that are opened at the same time.
const THREADS: usize = 6;
/// Images of one step and one fate: but for two fates, chance decides.
const DRAWS: usize = 8;
/// Of the images of the log, one of this many has a second crash, while it is opened or soon after.
const CRASHED_TWICE: u64 = 3;

/// A crash: after so many steps, with that fate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    pub(crate) after: usize,
    pub(crate) fate: Fate,
    seed: u64,
}

/// Every step with every fate, each with several draws of the lot, or `most` of these crashes; in the order of the steps.
pub(crate) fn choose_crashes(steps: &[Step], most: usize, seed: u64) -> Vec<Crash> {
    let mut rng = Rng::with_seed(seed);
    let points: Vec<usize> = (0..=steps.len())
        .filter(|after| *after == 0 || !matches!(steps[after - 1], Step::Note(_)))
        .collect();
    let all = points.len() * FATES.len() * DRAWS;
    let crash = |index: usize, seed| Crash {
        after: points[index / DRAWS / FATES.len()],
        fate: FATES[index / DRAWS % FATES.len()],
        seed,
    };
    let mut chosen: Vec<usize> = (0..all).collect();
    rng.shuffle(&mut chosen);
    chosen.truncate(counts::count(most, all));
    chosen.sort_unstable();
    println!("{} steps, {} of {all} images", points.len(), chosen.len());
    chosen
        .into_iter()
        .map(|index| crash(index, rng.u64(..)))
        .collect()
}

/// Plays the steps once and hands each crash's image, with what was known then, to several threads.
pub(crate) fn each_image(
    steps: &[Step],
    crashes: &[Crash],
    check: &(dyn Fn(&Image, Known, &mut Rng) + Sync),
) {
    let (images, waiting) = mpsc::sync_channel::<(Crash, Image, Known)>(THREADS);
    let waiting = Arc::new(Mutex::new(waiting));
    let (start, done) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let waiting = Arc::clone(&waiting);
            let done = &done;
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().expect("no thread panics with the lock").recv();
                    let Ok((crash, image, known)) = next else { return };
                    let _says_which = SayOnPanic(crash);
                    check(&image, known, &mut Rng::with_seed(crash.seed));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // The last thread that panics would leave the sender waiting for ever.
        drop(waiting);
        send_images(steps, crashes, &images);
        drop(images);
    });
    assert_eq!(done.into_inner(), crashes.len());
    println!("{} images opened in {:?}", crashes.len(), start.elapsed());
}

fn send_images(steps: &[Step], crashes: &[Crash], images: &mpsc::SyncSender<(Crash, Image, Known)>) {
    let (mut media, mut known) = (Media::default(), Known::default());
    let mut played = 0;
    for crash in crashes {
        for step in &steps[played..crash.after] {
            media.apply(step);
            if let Step::Note(note) = step {
                known.learn(*note);
            }
        }
        played = crash.after;
        let image = media.image(crash.fate, &mut Rng::with_seed(crash.seed));
        if images.send((*crash, image, known)).is_err() {
            return;
        }
    }
}

struct SayOnPanic(Crash);

impl Drop for SayOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("that was {:?}", self.0);
        }
    }
}

/// Plays a workload, with a clean stop and start after each quarter, and records every step of the log.
pub(crate) fn record(workload: &Workload) -> Vec<Step> {
    let store = Store::empty();
    let mut from = 0;
    for quarter in 1..=4 {
        let engine = store.open().unwrap();
        let part = workload.first(workload.len() * quarter / 4);
        from = store.play(&engine, &part, from).acknowledged;
        assert_eq!(from, part.len());
        engine.close().unwrap();
    }
    store.disk.recording()
}

#[test]
fn after_a_crash_at_any_step_of_the_log_every_acknowledged_write_is_there() {
    let seed = counts::seed();
    let workload = Workload::with_readers(300, seed);
    let steps = record(&workload);
    let crashes = choose_crashes(&steps, 1_850, seed);
    each_image(&steps, &crashes, &|image, known, rng| {
        let store = Store::holding(image);
        if rng.u64(0..CRASHED_TWICE) == 0 {
            let (twice, known) = crash_again(&store, &workload, known, rng);
            judge(&twice, &workload, known, rng);
        } else {
            judge(&store, &workload, known, rng);
        }
    });
}

/// Opens a store, goes on with the workload for a while, and crashes at some step of that. What the first crash left
/// behind the end of the log lies where the next batches go.
fn crash_again(store: &Store, workload: &Workload, mut known: Known, rng: &mut Rng) -> (Store, Known) {
    let mut media = store.disk.media();
    let opened = store.open();
    let engine = opened.unwrap_or_else(|error| panic!("does not open: {error}"));
    let present = workload.requests_in(&export(&engine), known.acknowledged, known.submitted);
    let more = workload.first(workload.len().min(present + rng.usize(0..6)));
    assert_eq!(store.play(&engine, &more, present).stopped, None);
    drop(engine);
    let steps = store.disk.recording();
    for step in &steps[..rng.usize(0..=steps.len())] {
        media.apply(step);
        if let Step::Note(note) = step {
            known.learn(*note);
        }
    }
    let image = media.image(FATES[rng.usize(0..FATES.len())], rng);
    (Store::holding(&image), known)
}

#[test]
fn notes_of_a_recording_tell_what_was_acknowledged() {
    let workload = Workload::new(12, 1);
    let steps = record(&workload);
    let known = Known::after(&steps);
    assert_eq!((known.submitted, known.acknowledged), (12, 12));
    assert!(
        steps
            .iter()
            .any(|step| matches!(step, Step::Note(Note::Acknowledged(7))))
    );
}
