//! The same for the cluster engine: bugs planted into every node, on servers of the test's own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tiro_conformance::history::{Anomaly, Contradiction, check};
use tokio::task::block_in_place;

use crate::counts::seed;
use crate::crowd::{Crowd, is_indexed};
use crate::nodes::{Cluster, Systems};
use crate::servers::Servers;

const VARIABLE: &str = "TIRO_PLANTED_BUG";
/// A bug that is not found in so many rounds is not found.
const ROUNDS_MAX: usize = 5;
/// A round ends with so many answers.
const ANSWERS: usize = 1_500;
/// Without a bug the index has everything so long after the last write.
const INDEXED_WITHIN: Duration = Duration::from_secs(5);

/// What gives a bug away.
#[derive(Debug)]
enum Sign {
    /// One of these.
    Anomalies(&'static [Anomaly]),
    /// Nothing that a client sees, since that is how it is made: the index is late.
    IndexLate,
}

/// What is acknowledged and gone: its number and position are given out again, or it is missing in the end.
const LOSS: &[Anomaly] = &[
    Anomaly::LostWrite,
    Anomaly::NumberTwice,
    Anomaly::PositionTwice,
    Anomaly::PositionsOutOfOrder,
];

const BUGS: &[(&str, Sign)] = &[
    ("acknowledge-before-commit", Sign::Anomalies(LOSS)),
    (
        "unknown-commit-is-no",
        Sign::Anomalies(&[Anomaly::DoneThoughDeclined, Anomaly::ReplayDiffers]),
    ),
    (
        "retry-stores-twice",
        Sign::Anomalies(&[
            Anomaly::NumberMissing,
            Anomaly::PositionMissing,
            Anomaly::ReplayDiffers,
        ]),
    ),
    (
        "position-from-clock",
        Sign::Anomalies(&[Anomaly::PositionMissing]),
    ),
    ("number-of-refused", Sign::Anomalies(&[Anomaly::NumberMissing])),
    ("forget-key", Sign::Anomalies(&[Anomaly::CarriedOutTwice])),
    ("count-not-raised", Sign::Anomalies(&[Anomaly::WrongCount])),
    ("lose-update", Sign::Anomalies(&[Anomaly::LostUpdate])),
    ("ignore-condition", Sign::Anomalies(&[Anomaly::ConditionIgnored])),
    (
        "stale-cache",
        Sign::Anomalies(&[
            Anomaly::StaleRead,
            Anomaly::SeenThenUnseen,
            Anomaly::IncompletePage,
        ]),
    ),
    ("deaf-waiters", Sign::Anomalies(&[Anomaly::FeedIncomplete])),
    ("skip-entry", Sign::Anomalies(&[Anomaly::FeedIncomplete])),
    ("cursor-before-confirm", Sign::IndexLate),
    (
        "failed-item-skipped",
        Sign::Anomalies(&[Anomaly::SearchIncomplete]),
    ),
    ("watermark-ahead", Sign::Anomalies(&[Anomaly::SearchIncomplete])),
    ("tail-not-merged", Sign::Anomalies(&[Anomaly::SearchIncomplete])),
];

/// What one round shows.
struct Round {
    contradictions: Vec<Contradiction>,
    index_is_late: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bug_planted_into_a_cluster_is_found_and_nothing_where_there_is_none() {
    let mut random = fastrand::Rng::with_seed(seed());
    let servers = block_in_place(Servers::lend);
    let systems = Systems::of(&servers.file);
    let sound = Box::pin(round(&systems, "none", &mut random)).await;
    let stories: Vec<String> = sound
        .contradictions
        .iter()
        .map(Contradiction::to_string)
        .collect();
    assert!(
        stories.is_empty() && !sound.index_is_late,
        "{}",
        stories.join("\n")
    );
    let mut missed = Vec::new();
    for (bug, sign) in BUGS {
        let begun = Instant::now();
        let found = Box::pin(find(&systems, bug, sign, &mut random)).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{bug:<26} {seconds:>5.1} s  {found}");
        if found.starts_with("not found") {
            missed.push(*bug);
        }
    }
    block_in_place(|| drop(servers));
    assert!(missed.is_empty(), "the checker misses {missed:?}");
}

/// Runs rounds until one gives the bug away; answers what was seen.
async fn find(systems: &Systems, bug: &str, sign: &Sign, random: &mut fastrand::Rng) -> String {
    let mut seen = BTreeSet::new();
    for number in 1..=ROUNDS_MAX {
        let round = Box::pin(round(systems, bug, random)).await;
        let anomalies: BTreeSet<Anomaly> = round.contradictions.iter().map(|one| one.anomaly).collect();
        let found = match sign {
            Sign::Anomalies(expected) => expected.iter().any(|anomaly| anomalies.contains(anomaly)),
            Sign::IndexLate => round.index_is_late,
        };
        if found {
            return format!("round {number}  {sign:?}");
        }
        seen.extend(anomalies);
    }
    format!("not found in {ROUNDS_MAX} rounds; seen were {seen:?}")
}

async fn round(systems: &Systems, bug: &str, random: &mut fastrand::Rng) -> Round {
    let cluster = block_in_place(|| Cluster::on(&systems.renamed(), &[], &[(VARIABLE, bug)]));
    let stderr = &cluster.api[0].process().stderr;
    let said = stderr.find_line(|line| line.contains("a bug is planted") || line.contains("listening"));
    assert!(
        said.is_some_and(|line| line.contains("a bug is planted")),
        "the executable was built without the feature planted-bugs"
    );
    let addresses = cluster.servers().map(|server| server.address.clone());
    let crowd = Crowd::gather(&addresses, random).await;
    crowd.timeline.reached(ANSWERS).await;
    let histories = crowd.disperse().await;
    Round {
        contradictions: histories.iter().flat_map(check).collect(),
        index_is_late: !is_indexed(&cluster, INDEXED_WITHIN).await,
    }
}
