//! The cluster under load, behind a network that can be broken, and what its end must show.

use std::time::{Duration, Instant};

use tiro_conformance::history::{Contradiction, check};
use tiro_conformance::{Fault, Proxy};
use tokio::task::block_in_place;

use crate::crowd::{Crowd, is_indexed};
use crate::nodes::{Cluster, Systems};
use crate::outage::{Promise, Row};
use crate::servers::{Servers, System};
use crate::support::Launch;

/// The index is complete so long after the last write, at most.
const INDEXED_WITHIN: Duration = Duration::from_secs(60);

/// Clients, the nodes that they are at, and the systems behind these. Dropped in this order.
pub(crate) struct World {
    pub(crate) crowd: Crowd,
    pub(crate) cluster: Cluster,
    /// Before each of [`System::ALL`].
    proxies: Vec<Proxy>,
    pub(crate) servers: Servers,
    rows: Vec<Row>,
}

impl World {
    /// Starts everything; returns when the load goes well.
    pub(crate) async fn begin(random: &mut fastrand::Rng) -> World {
        let begun = Instant::now();
        let servers = block_in_place(Servers::lend);
        let mut systems = Systems::of(&servers.file);
        let mut proxies = Vec::new();
        for system in System::ALL {
            let proxy = Proxy::start(systems.member(system.name())).await;
            systems = systems.with(system.name(), proxy.url());
            proxies.push(proxy);
        }
        let cluster = block_in_place(|| Cluster::on(&systems.renamed(), &[], &[]));
        let addresses = cluster.servers().map(|server| server.address.clone());
        let crowd = Crowd::gather(&addresses, random).await;
        crowd.timeline.calm(Instant::now(), addresses.len()).await;
        println!("the load goes well after {:.1} s", begun.elapsed().as_secs_f64());
        World {
            crowd,
            cluster,
            proxies,
            servers,
            rows: Vec::new(),
        }
    }

    /// What is wrong on the way to a system.
    pub(crate) fn set(&self, system: System, fault: Fault) {
        let place = System::ALL.iter().position(|other| *other == system);
        self.proxies[place.expect("all systems have proxies")].set(fault);
    }

    /// The cause is gone: waits until all is well, and adds the row.
    pub(crate) async fn note(&mut self, name: &str, promise: Promise, begun: Instant) {
        let ended = Instant::now();
        let timeline = &self.crowd.timeline;
        let recovered = timeline.calm(ended, self.cluster.api.len()).await;
        let row = Row::of(name.to_owned(), promise, timeline, (begun, ended, recovered));
        println!("{row}");
        self.rows.push(row);
    }

    /// Ends the load and holds everything against the contract.
    pub(crate) async fn end(self) {
        let World {
            crowd,
            cluster,
            proxies,
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
        assert!(
            is_indexed(&cluster, INDEXED_WITHIN).await,
            "the index lags behind"
        );
        block_in_place(|| {
            let verified = Launch::new(["verify", "--cluster", cluster.config()]).run();
            assert_eq!(verified.code, Some(0), "{verified:?}");
            assert!(verified.stdout.contains("The cluster is sound."), "{verified:?}");
            cluster.stop();
            drop(proxies);
            drop(servers);
        });
    }
}
