//! Everything fails while 64 clients work: what they sent and saw stays one history that the contract allows.
//!
//! Two API nodes and two workers on servers of their own, since these are killed. Each outage is a row: what clients saw
//! of it, held against what is promised, and when all was well again. In the end the history is checked, feed and search
//! are complete, and `tiro verify` finds nothing.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/counts.rs"]
mod counts;
mod crowd;
mod deeds;
mod follower;
#[path = "../load/mod.rs"]
mod load;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/cluster/nodes.rs"]
mod nodes;
mod outage;
mod readiness;
mod replica;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/requests.rs"]
mod requests;
mod servers;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/support.rs"]
mod support;
#[allow(
    dead_code,
    reason = "shared with the tests of planted bugs, which wait for answers"
)]
mod timeline;
mod world;

use std::time::Duration;

use tiro_conformance::Fault;

use counts::{count, full, seed};
use servers::System;
use world::World;

/// How long something is away: long enough that bounds of a second or two are passed.
const AWAY: Duration = Duration::from_secs(3);
/// With the full counts sometimes so long: longer than any bound that a request has.
const AWAY_LONG: Duration = Duration::from_secs(20);
const BRIEF: Duration = Duration::from_secs(2);
const SLOW: Duration = Duration::from_millis(100);
const FROZEN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_outage_under_load_loses_nothing() {
    let mut random = fastrand::Rng::with_seed(seed());
    let mut world = World::begin(&mut random).await;
    for round in 0..count(1, 3) {
        let away = if full() && round % 2 == 1 { AWAY_LONG } else { AWAY };
        world.empty_redis().await;
        world.purge_queues().await;
        world.delete_index().await;
        for system in System::ALL {
            world.freeze(system, away).await;
            // A start of OpenSearch takes half a minute, and the one below is as good.
            if system != System::OpenSearch || full() {
                world.kill(system, away).await;
            }
            world.part(system, Fault::Refuse, away).await;
            world.part(system, Fault::StallAnswers, away).await;
            world.part(system, Fault::StallQuestions, away).await;
            let bytes = random.usize(1..10_000);
            world.part(system, Fault::CutAfter(bytes), BRIEF).await;
            world.part(system, Fault::Latency(SLOW), BRIEF).await;
            world.forget(system).await;
            if system == System::OpenSearch {
                world.restore_opensearch(away).await;
            }
        }
        world.make_read_only(away).await;
        for system in System::ALL {
            if system == System::Redis || full() {
                world.part_first(system, away).await;
            }
        }
        world.kill_worker(away).await;
        world.freeze_worker(away).await;
        world.kill_api(round % 2, away).await;
        world.freeze_api(round % 2, FROZEN).await;
    }
    world.fail_over().await;
    if full() {
        world.fill_disk(AWAY_LONG).await;
    }
    world.end().await;
}
