//! The cluster under load, and what is done to it.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tiro_client::api::PartitionStatus;
use tiro_conformance::history::{Contradiction, check};
use tokio::time::{sleep, timeout};

use crate::crowd::Crowd;
use crate::nodes::{Cluster, Systems};
use crate::outage::{Promise, Row};
use crate::servers::{Servers, System};
use crate::support::Launch;

/// The index is complete so long after the last write, at most.
const INDEXED_WITHIN: Duration = Duration::from_secs(60);

/// Servers, nodes on them, and clients at the nodes. Dropped in this order.
pub(crate) struct World {
    crowd: Crowd,
    cluster: Cluster,
    servers: Servers,
    rows: Vec<Row>,
}

impl World {
    /// Starts everything; returns when the load goes well.
    pub(crate) async fn begin(random: &mut fastrand::Rng) -> World {
        let begun = Instant::now();
        let servers = tokio::task::block_in_place(Servers::lend);
        let cluster = tokio::task::block_in_place(|| Cluster::on(&Systems::of(&servers.file), &[]));
        let addresses = cluster.servers().map(|server| server.address.clone());
        let crowd = Crowd::gather(&addresses, random).await;
        crowd.timeline.calm(Instant::now(), addresses.len()).await;
        println!("the load goes well after {:.1} s", begun.elapsed().as_secs_f64());
        World {
            crowd,
            cluster,
            servers,
            rows: Vec::new(),
        }
    }

    /// Kills a system, lets it be away for so long, and starts it again.
    pub(crate) async fn kill(&mut self, system: System, away: Duration) {
        let begun = Instant::now();
        self.servers.signal(system, Signal::KILL);
        // How long an outage lasts is what is to be tried, not a wait for something.
        sleep(away).await;
        tokio::task::block_in_place(|| self.servers.up());
        self.note(
            format!("{} killed", system.name()),
            Promise::without(system),
            begun,
        )
        .await;
    }

    /// The cause is gone: waits until all is well, and adds the row.
    async fn note(&mut self, name: String, promise: Promise, begun: Instant) {
        let ended = Instant::now();
        let timeline = &self.crowd.timeline;
        let recovered = timeline.calm(ended, self.cluster.api.len()).await;
        let row = Row::of(name, promise, timeline, (begun, ended, recovered));
        println!("{row}");
        self.rows.push(row);
    }

    /// Ends the load and holds everything against the contract.
    pub(crate) async fn end(self) {
        let World {
            crowd,
            cluster,
            servers,
            rows,
        } = self;
        let histories = crowd.disperse().await;
        let operations: usize = histories.iter().map(|history| history.operations.len()).sum();
        println!("{operations} operations; the table:");
        rows.iter().for_each(|row| println!("{row}"));
        let contradictions: Vec<Contradiction> = histories.iter().flat_map(check).collect();
        let stories: Vec<String> = contradictions.iter().map(Contradiction::to_string).collect();
        assert!(stories.is_empty(), "{}", stories.join("\n"));
        let broken: Vec<String> = rows.iter().filter_map(Row::broken).collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
        is_indexed(&cluster).await;
        tokio::task::block_in_place(|| {
            let verified = Launch::new(["verify", "--cluster", cluster.config()]).run();
            assert_eq!(verified.code, Some(0), "{verified:?}");
            assert!(verified.stdout.contains("The cluster is sound."), "{verified:?}");
            cluster.stop();
        });
        drop(servers);
    }
}

/// Waits until the index has everything.
async fn is_indexed(cluster: &Cluster) {
    let client = cluster.servers()[0].client();
    let is_current = |one: &PartitionStatus| one.indexed == Some(one.changes);
    let waited = async {
        while !client.status().await.unwrap().partitions.iter().all(is_current) {
            tokio::task::yield_now().await;
        }
    };
    timeout(INDEXED_WITHIN, waited)
        .await
        .expect("the index has everything in time");
}
