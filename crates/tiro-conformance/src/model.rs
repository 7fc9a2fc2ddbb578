//! Random histories, played on an engine and on plain expectations that know nothing of the core's rules.
//!
//! `proptest` makes the histories and shrinks one that fails. Every answer is compared at once; at the end of a
//! history the whole state is, through the lists and the export: as it is, reopened, and restored into a fresh world.
//! `TIRO_MODEL_CASES` says how many histories are played, `TIRO_MODEL_SEED` repeats those of a failure.

mod compare;
mod expectation;
mod history;
mod shown;
mod wish;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tiro_core::Timestamp;
use tokio::runtime::Runtime;

use crate::{ReferenceEngine, World, assert_same_export, read_export, restore};
use expectation::Expectation;
use wish::Transition;

/// Histories of a run, unless `TIRO_MODEL_CASES` says another number.
const CASES_DEFAULT: u32 = 64;
/// The same where no engine is opened.
const BATCHED_CASES_DEFAULT: u32 = 512;
/// Fewest and most steps of one history.
const STEPS: std::ops::RangeInclusive<usize> = 10..=60;
/// Entries of one step of a restore: few, so that one history takes several.
const RESTORE_STEP_ENTRIES: usize = 7;
/// Most attempts to make a failing history shorter.
const SHRINK_STEPS_MAX: u32 = 2_000;

/// A test of the random model, in an engine's crate: `model_test!(MyWorld);`, where `MyWorld` is a
/// [`World`](crate::World).
#[macro_export]
macro_rules! model_test {
    ($world:ty) => {
        #[test]
        fn random_histories_agree_with_the_model() {
            $crate::model::play::<$world>();
        }
    };
}

/// Plays random histories on fresh worlds.
///
/// # Panics
/// If an engine disagrees with the expectations; the message has the shortest history found and the seed. Also if a
/// variable is set to what is not a number.
pub fn play<W: World>() {
    let config = config(CASES_DEFAULT);
    play_all(config.clone(), |(start, transitions, seen)| {
        Played::<W>::test_sequential(config.clone(), start, transitions, seen);
    });
}

/// A starting point, the steps from there, and a counter of the steps that were played.
type History = (Expectation, Vec<Transition>, Option<Arc<AtomicUsize>>);

fn play_all(config: Config, play: impl Fn(History)) {
    let again = format!(
        "TIRO_MODEL_SEED={} TIRO_MODEL_CASES={}",
        config.rng_seed, config.cases
    );
    let histories = Expectation::sequential_strategy(STEPS);
    let outcome = TestRunner::new(config).run(&histories, |history| {
        play(history);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}\nplay the same histories again with {again}");
    }
}

fn config(cases_default: u32) -> Config {
    let seed = number_from("TIRO_MODEL_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let cases = number_from("TIRO_MODEL_CASES").map_or(cases_default, |cases| {
        u32::try_from(cases).expect("TIRO_MODEL_CASES is at most 4294967295")
    });
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: SHRINK_STEPS_MAX,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Plays the writes of random histories on the reference engine twice: one by one, and in batches of at most
/// `batch_requests`.
///
/// # Panics
/// If an answer differs, or what is stored in the end.
pub fn play_batches(batch_requests: usize) {
    play_all(config(BATCHED_CASES_DEFAULT), |(_, transitions, seen)| {
        if let Some(seen) = seen {
            seen.store(transitions.len(), Ordering::SeqCst); // Or shrinking takes the steps for unplayed.
        }
        let requests = transitions.iter().filter_map(|transition| match transition {
            Transition::Write(wish, key) => Some(wish.request(*key)),
            _ => None,
        });
        batches_agree(&requests.collect::<Vec<_>>(), batch_requests);
    });
}

fn batches_agree(requests: &[tiro_core::Request], batch_requests: usize) {
    let still = || ReferenceEngine::with_clock(Arc::new(|| Timestamp::from_millis(1_772_600_000_000)));
    let (one_by_one, batched) = (still(), still());
    for batch in requests.chunks(batch_requests) {
        let single = batch
            .iter()
            .flat_map(|request| one_by_one.write_batch(std::slice::from_ref(request)));
        let single: Vec<_> = single.collect();
        for ((single, together), request) in single.iter().zip(batched.write_batch(batch)).zip(batch) {
            assert_eq!(together, *single, "{request:?}");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let expected = read_export(&one_by_one, None).await;
        assert_same_export(&read_export(&batched, None).await, &expected);
    });
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var_os(variable)?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{variable} is not a number: {}", text.display())))
}

/// A world in the middle of a history, and the runtime it lives on.
struct Subject<W> {
    // Dropped before the runtime that its engine may still be using.
    world: W,
    runtime: Runtime,
}

struct Played<W>(PhantomData<W>);

impl<W: World> StateMachineTest for Played<W> {
    type SystemUnderTest = Subject<W>;
    type Reference = Expectation;

    fn init_test(_: &Expectation) -> Subject<W> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let world = runtime.block_on(W::fresh());
        Subject { world, runtime }
    }

    fn apply(mut subject: Subject<W>, after: &Expectation, transition: Transition) -> Subject<W> {
        let answer = after
            .answer
            .as_ref()
            .expect("every transition has an expected answer");
        subject
            .runtime
            .block_on(compare::step(&mut subject.world, &transition, answer));
        subject
    }

    fn teardown(mut subject: Subject<W>, expected: Expectation) {
        subject.runtime.block_on(async {
            compare::whole_state(&subject.world.engine(), &expected).await;
            subject.world.reopen().await;
            compare::whole_state(&subject.world.engine(), &expected).await;
            let exported = read_export(&*subject.world.engine(), None).await;
            let elsewhere = W::fresh().await;
            restore(&*elsewhere.engine(), &exported, RESTORE_STEP_ENTRIES).await;
            compare::whole_state(&elsewhere.engine(), &expected).await;
        });
    }
}
