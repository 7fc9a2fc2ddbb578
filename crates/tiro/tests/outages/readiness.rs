//! What `/readyz` of each API node says, asked all the time: what is away has to be named there within a bound, and no
//! longer once it is back.

use std::time::{Duration, Instant};

use tiro_client::{Client, Error, Options, Patience};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout_at};

use crate::servers::System;
use crate::support::Tiro;

/// A node asks Redis, RabbitMQ and OpenSearch every 2 s and waits 3 s for an answer; it asks MySQL 3 s after the last
/// transaction and waits 4 s; and this machine is busy.
const NAMED_WITHIN: Duration = Duration::from_secs(12);
/// As long as that, and no node waits much longer between two attempts to connect.
const CLEARED_WITHIN: Duration = Duration::from_secs(12);
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// Asks until it is dropped.
pub(crate) struct Readiness {
    nodes: Vec<watch::Receiver<Told>>,
    _asking: JoinSet<()>,
}

/// What a node said when it was asked last, and when it was asked for the first time that it said so.
struct Told {
    asked: Instant,
    first: Instant,
    said: Said,
}

#[derive(PartialEq, Eq)]
enum Said {
    /// 200, with remarks.
    Ready(Vec<String>),
    /// 503, with the reasons.
    Unready(String),
    Silent,
}

/// Whether an outage was named by the nodes that it concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// It may be over before anybody looks.
    NotDue,
    After(Duration),
    Never,
}

impl Readiness {
    pub(crate) fn of(nodes: &[Tiro]) -> Readiness {
        let mut asking = JoinSet::new();
        let ask_each = nodes.iter().map(|node| {
            let options = Options {
                operator_key: None,
                patience: Patience::one_attempt(),
            };
            let client = Client::new(&node.address, options).unwrap();
            let (said, told) = watch::channel(Told {
                asked: Instant::now(),
                first: Instant::now(),
                said: Said::Silent,
            });
            asking.spawn(ask(client, said));
            told
        });
        Readiness {
            nodes: ask_each.collect(),
            _asking: asking,
        }
    }

    /// Waits until each of these nodes names the system, with a reason and the status that is due.
    pub(crate) async fn names(&self, nodes: &[usize], system: System, since: Instant) -> Named {
        let names = |said: &Said| said.names(system);
        match self.all(nodes, names, since, NAMED_WITHIN).await {
            Some(after) => Named::After(after),
            None => {
                self.tell(nodes);
                Named::Never
            }
        }
    }

    /// Waits until every node is ready and has nothing to remark; answers how long that took, if it came in time.
    pub(crate) async fn clears(&self, since: Instant) -> Option<Duration> {
        let nodes: Vec<usize> = (0..self.nodes.len()).collect();
        let is_clear = |said: &Said| matches!(said, Said::Ready(remarks) if remarks.is_empty());
        let clear = self.all(&nodes, is_clear, since, CLEARED_WITHIN).await;
        if clear.is_none() {
            self.tell(&nodes);
        }
        clear
    }

    async fn all(
        &self,
        nodes: &[usize],
        is_so: impl Fn(&Said) -> bool,
        since: Instant,
        within: Duration,
    ) -> Option<Duration> {
        let deadline = (since + within).into();
        let mut latest = since;
        for node in nodes {
            let mut told = self.nodes[*node].clone();
            let said = told.wait_for(|told| told.asked >= since && is_so(&told.said));
            let told = timeout_at(deadline, said).await.ok()?.unwrap();
            latest = latest.max(told.first);
        }
        Some(latest - since)
    }

    /// For whoever looks why it failed.
    fn tell(&self, nodes: &[usize]) {
        for node in nodes {
            match &self.nodes[*node].borrow().said {
                Said::Ready(remarks) => println!("    node {node} is ready and remarks {remarks:?}"),
                Said::Unready(reasons) => println!("    node {node} is not ready: {reasons}"),
                Said::Silent => println!("    node {node} says nothing"),
            }
        }
    }
}

impl Said {
    fn names(&self, system: System) -> bool {
        let reason = |name: &str, text: &str| {
            text.split_once(name)
                .is_some_and(|(_, reason)| !reason.is_empty())
        };
        match (self, system) {
            (Said::Unready(reasons), System::MySql) => reason("MySQL takes no writes: ", reasons),
            (_, System::MySql) => false,
            (Said::Ready(remarks), System::Redis) => {
                remarks.iter().any(|text| reason("Redis is away: ", text))
            }
            (Said::Ready(remarks), System::RabbitMq) => {
                remarks.iter().any(|text| reason("RabbitMQ is away: ", text))
            }
            (Said::Ready(remarks), System::OpenSearch) => {
                remarks.iter().any(|text| reason("OpenSearch is away: ", text))
            }
            _ => false,
        }
    }
}

async fn ask(client: Client, told: watch::Sender<Told>) {
    let mut ticks = interval(ASKED_EVERY);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let said = match client.readyz().await {
            Ok(ready) => Said::Ready(ready.remarks),
            Err(Error::Refused(refusal)) => Said::Unready(refusal.problem.detail),
            Err(_) => Said::Silent,
        };
        told.send_modify(|told| {
            let first = if told.said == said { told.first } else { asked };
            *told = Told { asked, first, said };
        });
    }
}
