//! What is done to the cluster, one thing at a time. Each ends with everything well again, and a row.

use std::process::Command;
use std::time::{Duration, Instant};

use lapin::options::QueuePurgeOptions;
use lapin::{Connection, ConnectionProperties};
use rustix::process::Signal;
use tiro_conformance::Fault;
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::nodes::{PARTITIONS, Systems, start_api, start_worker};
use crate::outage::Promise;
use crate::servers::System;
use crate::world::World;

/// Other nodes write again so long after a node was frozen that held a partition's lock.
const LOCKED_MAX: Duration = Duration::from_secs(5);
/// A freeze that hits no transaction is taken again, so often.
const FREEZES_MAX: usize = 50;
/// A writer that waits for the frozen one's lock is seen within so long.
const LOCK_SEEN_WITHIN: Duration = Duration::from_millis(500);

// How long something is away is what is tried here: the sleeps below wait for nothing.

impl World {
    /// Kills a system, and starts it again.
    pub(crate) async fn kill(&mut self, system: System, away: Duration) {
        let begun = Instant::now();
        self.servers.signal(system, Signal::KILL);
        sleep(away).await;
        block_in_place(|| self.servers.up());
        let name = format!("{} killed", system.name());
        self.note(&name, Promise::without(system), begun).await;
    }

    /// Stops a system from running, as a machine that hangs would.
    pub(crate) async fn freeze(&mut self, system: System, away: Duration) {
        let begun = Instant::now();
        self.servers.signal(system, Signal::STOP);
        sleep(away).await;
        self.servers.signal(system, Signal::CONT);
        let name = format!("{} frozen", system.name());
        self.note(&name, Promise::without(system), begun).await;
    }

    /// Breaks the network between all nodes and a system.
    pub(crate) async fn part(&mut self, system: System, fault: Fault, away: Duration) {
        let begun = Instant::now();
        self.set(system, fault);
        sleep(away).await;
        self.set(system, Fault::None);
        let (what, promise) = match fault {
            Fault::None => unreachable!("nothing is wrong"),
            Fault::Refuse => ("cut off", Promise::without(system)),
            Fault::StallAnswers => ("not heard by the nodes", Promise::without(system)),
            Fault::StallQuestions => ("not hearing the nodes", Promise::without(system)),
            Fault::CutAfter(_) => (
                "cut off in the middle of packets, again and again",
                Promise::without(system),
            ),
            Fault::Latency(_) => ("slow to reach", Promise::Everything),
        };
        self.note(&format!("{} {what}", system.name()), promise, begun)
            .await;
    }

    /// Empties Redis.
    pub(crate) async fn empty_redis(&mut self) {
        let begun = Instant::now();
        let systems = Systems::of(&self.servers.file);
        run("redis-cli", &["-u", systems.member("redis"), "FLUSHALL"]);
        self.note("redis emptied", Promise::Everything, begun).await;
    }

    /// Empties every queue of changes.
    pub(crate) async fn purge_queues(&mut self) {
        let begun = Instant::now();
        let systems = Systems::of(&self.servers.file);
        let url = systems.member("rabbitmq");
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        let name = Systems::of(self.cluster.config().as_ref())
            .member("name")
            .to_owned();
        for partition in 0..PARTITIONS {
            let queue = format!("{name}.changes.{partition}");
            channel
                .queue_purge(queue.into(), QueuePurgeOptions::default())
                .await
                .unwrap();
        }
        connection.close(200, "done".into()).await.unwrap();
        self.note("the queues of changes emptied", Promise::Everything, begun)
            .await;
    }

    /// Deletes the search index.
    pub(crate) async fn delete_index(&mut self) {
        let begun = Instant::now();
        let systems = Systems::of(&self.servers.file);
        let all = format!("{}/e2e-*", systems.member("opensearch"));
        run("curl", &["--silent", "--fail", "-X", "DELETE", &all]);
        self.note("the search index deleted", Promise::AllButSearch, begun)
            .await;
    }

    /// Kills an API node, and starts it again.
    pub(crate) async fn kill_api(&mut self, node: usize, away: Duration) {
        let begun = Instant::now();
        self.cluster.api[node].process().send_kill();
        sleep(away).await;
        let host = self.cluster.api[node].host().to_owned();
        let config = self.cluster.config().to_owned();
        self.cluster.api[node] = block_in_place(|| start_api(&config, &host));
        let promise = Promise::Elsewhere {
            node,
            wait_max: LOCKED_MAX,
        };
        self.note("an API node killed", promise, begun).await;
    }

    /// Freezes an API node inside a transaction for which another node waits.
    pub(crate) async fn freeze_api(&mut self, node: usize, away: Duration) {
        let mysql = self.cluster.mysql();
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        for _ in 0..FREEZES_MAX {
            let begun = Instant::now();
            self.cluster.api[node].process().freeze();
            let is_waited_for = block_in_place(|| {
                let mut found = false;
                while !found && begun.elapsed() < LOCK_SEEN_WITHIN {
                    found = mysql.query(waiting).trim() != "0";
                }
                found
            });
            if is_waited_for {
                sleep(away).await;
            }
            self.cluster.api[node].process().thaw();
            if is_waited_for {
                let promise = Promise::Elsewhere {
                    node,
                    wait_max: LOCKED_MAX,
                };
                let name = "an API node frozen that held a partition's lock";
                return self.note(name, promise, begun).await;
            }
            self.crowd.timeline.calm(begun, self.cluster.api.len()).await;
        }
        panic!("{FREEZES_MAX} freezes hit no transaction that another node waited for");
    }

    /// Kills a worker, and starts it again.
    pub(crate) async fn kill_worker(&mut self, away: Duration) {
        let begun = Instant::now();
        self.cluster.workers[0].send_kill();
        sleep(away).await;
        let config = self.cluster.config().to_owned();
        self.cluster.workers[0] = block_in_place(|| start_worker(&config));
        self.note("a worker killed", Promise::Everything, begun).await;
    }

    /// Freezes a worker.
    pub(crate) async fn freeze_worker(&mut self, away: Duration) {
        let begun = Instant::now();
        self.cluster.workers[1].freeze();
        sleep(away).await;
        self.cluster.workers[1].thaw();
        self.note("a worker frozen", Promise::Everything, begun).await;
    }
}

/// Runs a program that has to succeed.
fn run(program: &str, arguments: &[&str]) {
    let output = block_in_place(|| Command::new(program).args(arguments).output()).unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
}
