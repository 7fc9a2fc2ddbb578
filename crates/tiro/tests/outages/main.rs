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
mod follower;
#[path = "../load/mod.rs"]
mod load;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/cluster/nodes.rs"]
mod nodes;
mod outage;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/requests.rs"]
mod requests;
mod servers;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/support.rs"]
mod support;
mod timeline;
mod world;

use std::time::Duration;

use counts::seed;
use servers::System;
use world::World;

/// How long a system is away before it is started again, which takes its own time.
const AWAY: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_system_is_killed_and_started_again_under_load_and_nothing_is_lost() {
    let mut world = World::begin(&mut fastrand::Rng::with_seed(seed())).await;
    for system in System::ALL {
        world.kill(system, AWAY).await;
    }
    world.end().await;
}
