//! What is done to the cluster, one thing at a time. Each ends with everything well again, and a row.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lapin::options::QueuePurgeOptions;
use lapin::{Connection, ConnectionProperties};
use rustix::process::Signal;
use tiro_conformance::Fault;
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::nodes::{PARTITIONS, Systems, start_api, start_worker};
use crate::outage::{BACK_WITHIN, Promise};
use crate::readiness::Named;
use crate::replica::Replica;
use crate::servers::System;
use crate::support::temp_folder;
use crate::world::World;

/// The API nodes.
const NODES: [usize; 2] = [0, 1];
/// Other nodes write again so long after a node was frozen that held a partition's lock.
const LOCKED_MAX: Duration = Duration::from_secs(5);
/// MariaDB sees so late that there is space again, at most, and writes are served then.
const SPACE_SEEN_WITHIN: Duration = Duration::from_secs(70);
/// A writer waits 10 s for an answer.
const SILENCE_FOUND_WITHIN: Duration = Duration::from_secs(13);
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
        let named = self.endure(&NODES, system, (begun, away)).await;
        block_in_place(|| self.servers.up());
        let name = format!("{} killed", system.name());
        self.note(&name, Promise::without(system), begun, named).await;
    }

    /// Stops a system from running, as a machine that hangs would.
    pub(crate) async fn freeze(&mut self, system: System, away: Duration) {
        let begun = Instant::now();
        self.servers.signal(system, Signal::STOP);
        if system == System::OpenSearch {
            // Frozen, its files are those that a machine has after a power cut.
            let copy = temp_folder();
            copy_folder(&self.opensearch_data(), &copy.path().join("data"));
            self.copy = Some((copy, begun));
        }
        let named = self.endure(&NODES, system, (begun, away)).await;
        self.servers.signal(system, Signal::CONT);
        let name = format!("{} frozen", system.name());
        self.note(&name, Promise::without(system), begun, named).await;
    }

    /// Kills OpenSearch, and starts it with the data that it had when it was frozen.
    pub(crate) async fn restore_opensearch(&mut self, away: Duration) {
        let (copy, copied) = self.copy.take().expect("OpenSearch was frozen before");
        let (begun, system) = (Instant::now(), System::OpenSearch);
        self.servers.signal(system, Signal::KILL);
        let named = self.endure(&NODES, system, (begun, away)).await;
        let data = self.opensearch_data();
        run("rm", &["-r", data.to_str().unwrap()]);
        copy_folder(&copy.path().join("data"), &data);
        block_in_place(|| self.servers.up());
        let age = (begun - copied).as_secs();
        let name = format!("opensearch killed, and restored from a copy that was {age} s old");
        self.note(&name, Promise::AllButSearch, begun, named).await;
    }

    fn opensearch_data(&self) -> PathBuf {
        self.servers.file.with_file_name("opensearch").join("data")
    }

    /// Breaks the network between all nodes and a system.
    pub(crate) async fn part(&mut self, system: System, fault: Fault, away: Duration) {
        let begun = Instant::now();
        self.set(system, fault);
        let (what, promise, is_away) = match fault {
            Fault::None => unreachable!("nothing is wrong"),
            Fault::Refuse => ("cut off", Promise::without(system), true),
            Fault::StallAnswers => ("not heard by the nodes", Promise::without(system), true),
            Fault::StallQuestions => ("not hearing the nodes", Promise::without(system), true),
            Fault::CutAfter(_) => (
                "cut off in the middle of packets, again and again",
                Promise::without(system),
                false,
            ),
            Fault::Latency(_) => ("slow to reach", Promise::Everything, false),
        };
        let named = if is_away {
            self.endure(&NODES, system, (begun, away)).await
        } else {
            sleep(away).await;
            Named::NotDue
        };
        self.set(system, Fault::None);
        self.note(&format!("{} {what}", system.name()), promise, begun, named)
            .await;
    }

    /// Lets what is between all nodes and a system forget its connections, as a firewall may: none ends, and nothing comes
    /// through any more. New ones are as ever.
    pub(crate) async fn forget(&mut self, system: System) {
        let begun = Instant::now();
        for way in &self.ways {
            way[system.place()].forget();
        }
        let promise = match system {
            System::MySql => Promise::Nothing {
                back_within: SILENCE_FOUND_WITHIN,
            },
            other => Promise::without(other),
        };
        let name = format!("connections to {} forgotten by the network", system.name());
        self.note(&name, promise, begun, Named::NotDue).await;
    }

    /// Cuts a system off from the first API node alone.
    pub(crate) async fn part_first(&mut self, system: System, away: Duration) {
        let begun = Instant::now();
        let [first, _] = NODES;
        self.ways[first][system.place()].set(Fault::Refuse);
        let named = self.endure(&[first], system, (begun, away)).await;
        self.ways[first][system.place()].set(Fault::None);
        let promise = match system {
            System::MySql => Promise::Elsewhere {
                node: first,
                wait_max: LOCKED_MAX,
            },
            other => Promise::without(other),
        };
        let name = format!("{} cut off from one API node alone", system.name());
        self.note(&name, promise, begun, named).await;
    }

    /// Lets MySQL take no writes of anybody but its operator.
    pub(crate) async fn make_read_only(&mut self, away: Duration) {
        let begun = Instant::now();
        block_in_place(|| self.mysql.query("SET GLOBAL read_only = ON"));
        let named = self.endure(&NODES, System::MySql, (begun, away)).await;
        block_in_place(|| self.mysql.query("SET GLOBAL read_only = OFF"));
        let promise = Promise::AllButWrites {
            back_within: BACK_WITHIN,
        };
        self.note("mysql read-only", promise, begun, named).await;
    }

    /// Kills MySQL for good, and promotes the replica that it waited for.
    pub(crate) async fn fail_over(&mut self) {
        let replica = block_in_place(|| Replica::follow(&self.servers.file));
        let nodes = self.cluster.api.len();
        self.crowd.timeline.calm(Instant::now(), nodes).await;
        let begun = Instant::now();
        self.servers.signal(System::MySql, Signal::KILL);
        let named = self.readiness.names(&NODES, System::MySql, begun).await;
        block_in_place(|| replica.promote());
        for way in &self.ways {
            way[System::MySql.place()].lead_to(&replica.address);
        }
        self.replica = Some(replica);
        let promise = Promise::without(System::MySql);
        let name = "mysql killed, and its semi-synchronous replica promoted at another address";
        self.note(name, promise, begun, named).await;
    }

    /// Fills the disk of the MySQL that was failed over to. It waits for space, and looks for some once a minute.
    pub(crate) async fn fill_disk(&mut self, away: Duration) {
        let begun = Instant::now();
        let replica = self.replica.as_ref().expect("it was failed over");
        block_in_place(|| replica.fill_disk());
        let named = self.endure(&NODES, System::MySql, (begun, away)).await;
        block_in_place(|| replica.empty_disk());
        let promise = Promise::AllButWrites {
            back_within: SPACE_SEEN_WITHIN,
        };
        self.note("mysql's disk full", promise, begun, named).await;
    }

    /// Waits for as long as something is to be away, and longer where these nodes have not named it yet.
    async fn endure(&self, nodes: &[usize], system: System, (begun, away): (Instant, Duration)) -> Named {
        let named = self.readiness.names(nodes, system, begun);
        let (named, ()) = tokio::join!(named, sleep(away));
        named
    }

    /// Empties Redis.
    pub(crate) async fn empty_redis(&mut self) {
        let begun = Instant::now();
        let systems = Systems::of(&self.servers.file);
        run("redis-cli", &["-u", systems.member("redis"), "FLUSHALL"]);
        self.note("redis emptied", Promise::Everything, begun, Named::NotDue)
            .await;
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
        self.note(
            "the queues of changes emptied",
            Promise::Everything,
            begun,
            Named::NotDue,
        )
        .await;
    }

    /// Deletes the search index.
    pub(crate) async fn delete_index(&mut self) {
        let begun = Instant::now();
        let systems = Systems::of(&self.servers.file);
        let all = format!("{}/e2e-*", systems.member("opensearch"));
        run("curl", &["--silent", "--fail", "-X", "DELETE", &all]);
        self.note(
            "the search index deleted",
            Promise::AllButSearch,
            begun,
            Named::NotDue,
        )
        .await;
    }

    /// Kills an API node, and starts it again.
    pub(crate) async fn kill_api(&mut self, node: usize, away: Duration) {
        let begun = Instant::now();
        self.cluster.api[node].process().send_kill();
        sleep(away).await;
        let host = self.cluster.api[node].host().to_owned();
        let config = self.cluster.config_of(node).to_owned();
        self.cluster.api[node] = block_in_place(|| start_api(&config, &host));
        let promise = Promise::Elsewhere {
            node,
            wait_max: LOCKED_MAX,
        };
        self.note("an API node killed", promise, begun, Named::NotDue)
            .await;
    }

    /// Freezes an API node inside a transaction for which another node waits.
    pub(crate) async fn freeze_api(&mut self, node: usize, away: Duration) {
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        for _ in 0..FREEZES_MAX {
            let begun = Instant::now();
            self.cluster.api[node].process().freeze();
            let is_waited_for = block_in_place(|| {
                let mut found = false;
                while !found && begun.elapsed() < LOCK_SEEN_WITHIN {
                    found = self.mysql.query(waiting).trim() != "0";
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
                return self.note(name, promise, begun, Named::NotDue).await;
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
        self.note("a worker killed", Promise::Everything, begun, Named::NotDue)
            .await;
    }

    /// Freezes a worker.
    pub(crate) async fn freeze_worker(&mut self, away: Duration) {
        let begun = Instant::now();
        self.cluster.workers[1].freeze();
        sleep(away).await;
        self.cluster.workers[1].thaw();
        self.note("a worker frozen", Promise::Everything, begun, Named::NotDue)
            .await;
    }
}

fn copy_folder(from: &Path, to: &Path) {
    run("cp", &["-a", from.to_str().unwrap(), to.to_str().unwrap()]);
}

/// Runs a program that has to succeed.
fn run(program: &str, arguments: &[&str]) {
    let output = block_in_place(|| Command::new(program).args(arguments).output()).unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
}
