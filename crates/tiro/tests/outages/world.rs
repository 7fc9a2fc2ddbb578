//! The cluster under load, behind a network that can be broken, and what its end must show.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use tiro_conformance::history::{Contradiction, check};
use tiro_conformance::{Fault, Proxy};
use tokio::task::block_in_place;

use crate::crowd::{Crowd, is_indexed};
use crate::nodes::{Cluster, Mysql, Systems};
use crate::outage::{Promise, Row};
use crate::readiness::{Named, Readiness};
use crate::replica::Replica;
use crate::servers::{Servers, System};
use crate::support::Launch;

/// The index is complete so long after the last write, at most.
const INDEXED_WITHIN: Duration = Duration::from_secs(60);

/// Clients, the nodes that they are at, and the systems behind these. Dropped in this order.
pub(crate) struct World {
    pub(crate) crowd: Crowd,
    pub(crate) readiness: Readiness,
    pub(crate) cluster: Cluster,
    /// Before each of [`System::ALL`]: of the first API node alone, and of all others.
    pub(crate) ways: [Vec<Proxy>; 2],
    pub(crate) servers: Servers,
    /// The account that may do everything, beside the proxies.
    pub(crate) mysql: Mysql,
    /// What MySQL failed over to.
    pub(crate) replica: Option<Replica>,
    /// OpenSearch's data as they were once, and when.
    pub(crate) copy: Option<(TempDir, Instant)>,
    rows: Vec<Row>,
}

impl World {
    /// Starts everything; returns when the load goes well.
    pub(crate) async fn begin(random: &mut fastrand::Rng) -> World {
        let begun = Instant::now();
        let servers = block_in_place(Servers::lend);
        let mysql = Systems::of(&servers.file).mysql();
        let systems = with_plain_account(&Systems::of(&servers.file).renamed(), &mysql);
        let (first, way_of_first) = through_proxies(&systems).await;
        let (others, way_of_others) = through_proxies(&systems).await;
        let cluster = block_in_place(|| Cluster::apart(&first, &others));
        let readiness = Readiness::of(&cluster.api);
        let addresses = cluster.servers().map(|server| server.address.clone());
        let crowd = Crowd::gather(&addresses, random).await;
        crowd.timeline.calm(Instant::now(), addresses.len()).await;
        println!("the load goes well after {:.1} s", begun.elapsed().as_secs_f64());
        World {
            crowd,
            readiness,
            cluster,
            ways: [way_of_first, way_of_others],
            servers,
            mysql,
            replica: None,
            copy: None,
            rows: Vec::new(),
        }
    }

    /// What is wrong on every way to a system.
    pub(crate) fn set(&self, system: System, fault: Fault) {
        self.ways.iter().for_each(|way| way[system.place()].set(fault));
    }

    /// The cause is gone: waits until all is well, and adds the row.
    pub(crate) async fn note(&mut self, name: &str, promise: Promise, begun: Instant, named: Named) {
        let ended = Instant::now();
        let timeline = &self.crowd.timeline;
        let recovered = timeline.calm(ended, self.cluster.api.len()).await;
        let cleared_after = self.readiness.clears(ended).await;
        let told = (named, cleared_after);
        let row = Row::of(
            name.to_owned(),
            promise,
            timeline,
            (begun, ended, recovered),
            told,
        );
        println!("{row}");
        self.rows.push(row);
    }

    /// Ends the load and holds everything against the contract.
    pub(crate) async fn end(self) {
        let World {
            crowd,
            readiness,
            cluster,
            ways,
            servers,
            replica,
            rows,
            ..
        } = self;
        drop(readiness);
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
            drop(ways);
            drop(replica);
            drop(servers);
        });
    }
}

/// The same with an account that may do anything with the cluster's database, and nothing else: what all accounts but the
/// operator's may not, they may not.
fn with_plain_account(systems: &Systems, operator: &Mysql) -> Systems {
    const ACCOUNT: &str = "nodes";
    let Mysql {
        host, port, database, ..
    } = systems.mysql();
    operator.query(&format!(
        "CREATE USER IF NOT EXISTS '{ACCOUNT}'@'127.0.0.1' IDENTIFIED BY '{ACCOUNT}'; \
         GRANT ALL PRIVILEGES ON `{database}`.* TO '{ACCOUNT}'@'127.0.0.1'"
    ));
    systems.with(
        "mysql",
        &format!("mysql://{ACCOUNT}:{ACCOUNT}@{host}:{port}/{database}"),
    )
}

/// The same behind proxies of their own, in the order of [`System::ALL`].
async fn through_proxies(systems: &Systems) -> (Systems, Vec<Proxy>) {
    let (mut through, mut proxies) = (systems.with("name", systems.member("name")), Vec::new());
    for system in System::ALL {
        let proxy = Proxy::start(through.member(system.name())).await;
        through = through.with(system.name(), proxy.url());
        proxies.push(proxy);
    }
    (through, proxies)
}
