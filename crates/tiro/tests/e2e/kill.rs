//! SIGKILL under load, again and again: what was acknowledged is there, under its number, exactly once.
//!
//! A round makes an application, lets many writers at it, kills the server at a random request or answer, starts it
//! again, sends every request whose outcome is unknown again under its key, and audits the application. At the end
//! every application still is what its first audit saw, and `tiro verify` finds nothing.

mod audit;
mod diary;
mod perform;
mod writer;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tiro_client::{Client, Options, Patience};
use tokio::task::JoinSet;

use crate::counts::{count, seed};
use crate::requests::create_application;
use crate::support::{Launch, Tiro, temp_folder};
use audit::{Observed, audit, observe};
use diary::{Change, Diary, Effect, Expected};
use perform::{is_chat_deleted, perform};
use writer::{Stage, Writer};

const WRITERS: usize = 40;
/// The kill comes with a random one of so many requests and answers.
const EVENTS_MAX: u64 = 4_000;
/// One of so many starts is killed before it serves.
const KILL_DURING_START_ONE_IN: u32 = 4;
const START_US_MAX: u128 = 30_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_nine_at_any_moment() {
    let kills = count(25, 200);
    let mut random = fastrand::Rng::with_seed(seed());
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let mut rounds: Vec<(String, Observed)> = Vec::new();
    let (mut acknowledged, mut unknown) = (0, 0);
    for _ in 0..kills {
        let token = create_application(&tiro.client()).await;
        let diaries = write_until_killed(tiro, &token, &mut random).await;
        if random.u32(0..KILL_DURING_START_ONE_IN) == 0 {
            kill_during_start(folder.path(), &mut random);
        }
        tiro = Tiro::start(folder.path(), &[]);
        let client = tiro.client();
        acknowledged += diaries.iter().map(Diary::acknowledged).sum::<usize>();
        unknown += diaries.iter().filter(|diary| diary.in_flight.is_some()).count();
        let expected = settle(&client, &token, diaries).await;
        let observed = observe(&client, &token).await;
        audit(&client, &token, &expected, &observed).await;
        rounds.push((token, observed));
    }
    println!("{kills} kills, {acknowledged} acknowledged writes, {unknown} unknown outcomes");
    assert!(unknown > kills, "the kills did not meet requests on their way");
    for (token, observed) in &rounds {
        assert_eq!(observe(&tiro.client(), token).await, *observed);
    }
    tiro.stop();
    let verified = Launch::new([
        OsStr::new("verify"),
        OsStr::new("--data"),
        folder.path().as_os_str(),
    ])
    .run();
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// Lets the writers at the application and kills the server in the middle; answers what each writer knows.
async fn write_until_killed(tiro: Tiro, token: &str, random: &mut fastrand::Rng) -> Vec<Diary> {
    let stage = Arc::new(Stage::new(random.u64(1..=EVENTS_MAX)));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let writer = Writer::new(
            number,
            client_of_one_attempt(&tiro),
            token,
            Arc::clone(&stage),
            random.fork(),
        );
        writers.spawn(writer.run());
    }
    tokio::select! {
        () = stage.kill_moment() => tiro.kill(),
        ended = writers.join_next() => panic!("a writer ended before the kill: {:?}", ended.unwrap().map(drop)),
    }
    writers.join_all().await
}

/// A client that never sends by itself again what may have been carried out, so that each outcome is seen.
fn client_of_one_attempt(tiro: &Tiro) -> Client {
    let options = Options {
        operator_key: None,
        patience: Patience::one_attempt(),
    };
    Client::new(&tiro.address, options).unwrap()
}

/// Starts the server and kills it at once, while it recovers.
fn kill_during_start(data: &Path, random: &mut fastrand::Rng) {
    let moment_us = random.u128(0..START_US_MAX);
    let starting = Tiro::command(data, &[]).start();
    let begun = Instant::now();
    while begun.elapsed().as_micros() < moment_us {
        std::thread::yield_now();
    }
    starting.kill();
}

/// Sends what was on its way again, twice at once, where it has a key; the rest stays unknown.
async fn settle(client: &Client, token: &str, mut diaries: Vec<Diary>) -> Expected {
    for diary in &mut diaries {
        let Some(attempt) = diary.in_flight.take_if(|attempt| attempt.key.is_some()) else {
            continue;
        };
        let (first, second) =
            tokio::join!(perform(client, token, &attempt), perform(client, token, &attempt));
        match (first, second) {
            (Ok(first), Ok(second)) => {
                assert_eq!(first, second, "one key, two effects: {attempt:?}");
                if let (Effect::Gone, Change::UpdateMessage { chat, .. }) = (&first, &attempt.change) {
                    assert!(is_chat_deleted(&client.chat(token, *chat).await.unwrap_err()));
                }
                diary.accept(attempt, first);
            }
            (Err(first), Err(second)) => {
                assert!(
                    is_chat_deleted(&first) && is_chat_deleted(&second),
                    "{attempt:?}: {first}, {second}"
                );
            }
            (first, second) => panic!("{attempt:?}: {first:?}, {second:?}"),
        }
    }
    Expected::of(diaries)
}
