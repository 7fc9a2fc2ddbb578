//! The history checker against bugs planted into the real executable: it finds each, and nothing where there is none.
//!
//! Every run has a disk that forgets what was not synced, so that a kill is a power loss (`planted.rs` in tiro-embedded).

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod bugs;
mod cluster;
#[path = "../e2e/counts.rs"]
mod counts;
#[path = "../outages/crowd.rs"]
mod crowd;
#[path = "../outages/follower.rs"]
mod follower;
#[path = "../load/mod.rs"]
mod load;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/cluster/nodes.rs"]
mod nodes;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/requests.rs"]
mod requests;
#[allow(dead_code, reason = "shared with the tests of outages, which use all of it")]
#[path = "../outages/servers.rs"]
mod servers;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/support.rs"]
mod support;
#[allow(dead_code, reason = "shared with the tests of outages, which use all of it")]
#[path = "../outages/timeline.rs"]
mod timeline;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use tiro_conformance::history::{Anomaly, Contradiction, check};

use bugs::{BUGS, Planted};
use counts::{count, seed};
use load::{Plan, Story, run};
use support::{Tiro, temp_folder};

/// A bug that is not found in so many rounds is not found.
const ROUNDS_MAX: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_bug_a_power_loss_leaves_no_anomaly() {
    let kills = count(5, 50);
    let mut random = fastrand::Rng::with_seed(seed());
    let begun = Instant::now();
    let story = run(
        &Plan {
            kills,
            bug: Some("none"),
        },
        &mut random,
    )
    .await;
    assert_eq!(story.trouble, None);
    assert_eq!(story.kills, kills);
    let operations = story.history.operations.len();
    println!(
        "{kills} kills, {operations} operations, {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    assert_none(&check(&story.history));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_found() {
    let mut random = fastrand::Rng::with_seed(seed());
    let mut missed = Vec::new();
    for planted in BUGS {
        let begun = Instant::now();
        let found = find(planted, &mut random).await;
        let seconds = begun.elapsed().as_secs_f64();
        match found {
            Ok(found) => println!("{:<24} {seconds:>5.1} s  {found}", planted.name),
            Err(seen) => {
                println!("{:<24} not found in {ROUNDS_MAX} rounds; {seen}", planted.name);
                missed.push(planted.name);
            }
        }
    }
    assert!(missed.is_empty(), "the checker misses {missed:?}");
}

#[test]
fn an_unknown_bug_is_refused_with_the_names_of_those_that_are() {
    let folder = temp_folder();
    let ended = Tiro::command(folder.path(), &[])
        .env("TIRO_PLANTED_BUG", "typo")
        .run();
    assert_eq!(ended.code, Some(1));
    for planted in BUGS {
        assert!(ended.stderr.contains(planted.name), "{}", ended.stderr);
    }
}

/// The round that gave a bug away.
struct Found {
    round: usize,
    /// Anomalies that the bug may cause.
    expected: Vec<Anomaly>,
    /// What follows from them.
    others: usize,
    trouble: Option<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found {
            round,
            expected,
            others,
            trouble,
        } = self;
        write!(f, "round {round:>2}  {expected:?}, {others} other kinds")?;
        match trouble {
            Some(trouble) => write!(f, "; {}", last_words(trouble)),
            None => Ok(()),
        }
    }
}

/// Runs rounds until one shows an anomaly that the bug may cause.
async fn find(planted: &Planted, random: &mut fastrand::Rng) -> Result<Found, String> {
    let mut seen = String::from("nothing was seen");
    for round in 1..=ROUNDS_MAX {
        let plan = Plan {
            kills: planted.kills,
            bug: Some(planted.name),
        };
        let Story { history, trouble, .. } = run(&plan, random).await;
        let anomalies: BTreeSet<Anomaly> = check(&history).iter().map(|found| found.anomaly).collect();
        let is_expected = |anomaly: &Anomaly| planted.may_cause.contains(anomaly);
        let expected: Vec<Anomaly> = anomalies.iter().copied().filter(is_expected).collect();
        if !expected.is_empty() {
            let others = anomalies.len() - expected.len();
            return Ok(Found {
                round,
                expected,
                others,
                trouble,
            });
        }
        if trouble.is_some() || !anomalies.is_empty() {
            seen = format!("seen were {anomalies:?} and {trouble:?}");
        }
    }
    Err(seen)
}

/// Why the server went away, without all that it said before.
fn last_words(trouble: &str) -> String {
    let panics = trouble.lines().skip_while(|line| !line.contains("panicked"));
    let mut lines: Vec<&str> = panics.take(2).collect();
    lines.insert(0, trouble.lines().next().unwrap_or_default());
    lines.join(" | ")
}

fn assert_none(contradictions: &[Contradiction]) {
    let stories: Vec<String> = contradictions.iter().map(Contradiction::to_string).collect();
    assert!(stories.is_empty(), "{}", stories.join("\n"));
}
