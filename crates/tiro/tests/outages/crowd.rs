//! 64 clients over two API nodes: two applications, each with a history of its own, and followers on every node.

use std::sync::Arc;
use std::time::Duration;

use tiro_client::Client;
use tiro_client::api::PartitionStatus;
use tiro_conformance::history::{History, Operation};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::follower;
use crate::load::{
    Clock, LoadClient, Pace, Stage, Watch, client_of, create_application, read_everything, serve,
};
use crate::nodes::Cluster;
use crate::timeline::Timeline;

const CLIENTS: usize = 64;
/// As long as an ordinary client waits for an answer.
const SILENCE_MAX: Duration = Duration::from_secs(12);
/// More than one, so that something of one could reach the other.
const APPLICATIONS: usize = 2;
/// Clients rest, so that two cores serve them, the systems and what heals.
const PACE: Pace = Pace {
    between: Duration::from_millis(60),
    unserved: Duration::from_millis(100),
};

/// Clients at work.
pub(crate) struct Crowd {
    pub(crate) timeline: Arc<Timeline>,
    groups: Vec<Group>,
}

/// Those at one application.
struct Group {
    stage: Arc<Stage>,
    work: JoinHandle<History>,
    followers: Vec<JoinHandle<Operation>>,
    /// Tells the followers how far the feed goes, when that is known.
    end: watch::Sender<Option<u64>>,
}

impl Crowd {
    /// Lets clients at these nodes.
    pub(crate) async fn gather(addresses: &[String], random: &mut fastrand::Rng) -> Crowd {
        let timeline = Arc::new(Timeline::new());
        let clock = Arc::<Clock>::default();
        let nodes: Vec<Client> = addresses
            .iter()
            .map(|address| client_of(address, SILENCE_MAX))
            .collect();
        let mut groups = Vec::new();
        for application in 0..APPLICATIONS {
            let (token, mut history) = create_application(&nodes[application % nodes.len()], &clock).await;
            let stage = Arc::new(Stage {
                token,
                clock: Arc::clone(&clock),
                board: Arc::default(),
                nodes: nodes.clone(),
                pace: PACE,
                watch: Arc::clone(&timeline) as Arc<dyn Watch>,
            });
            let clients: Vec<LoadClient> = (1..=CLIENTS / APPLICATIONS)
                .map(|name| LoadClient::new(name, random.fork()))
                .collect();
            let (end, _) = watch::channel(None);
            let followers = (0..nodes.len()).map(|node| {
                let following = follower::follow(Arc::clone(&stage), node, end.subscribe());
                tokio::spawn(following)
            });
            let followers = followers.collect();
            let works = Arc::clone(&stage);
            let work = tokio::spawn(async move {
                serve(&works, clients, &mut history).await;
                history
            });
            groups.push(Group {
                stage,
                work,
                followers,
                end,
            });
        }
        Crowd { timeline, groups }
    }

    /// Ends the load, reads everything, and hands over what each application's clients and followers saw.
    pub(crate) async fn disperse(self) -> Vec<History> {
        self.timeline.end();
        let mut histories = Vec::new();
        for group in self.groups {
            let mut history = group.work.await.unwrap();
            read_everything(&group.stage, &mut history).await.unwrap();
            let last = history.operations.iter().filter_map(follower::feed_end).max();
            let last = last.expect("pages of the feed are read in the end");
            group.end.send_replace(Some(last));
            for follower in group.followers {
                history.operations.push(follower.await.unwrap());
            }
            histories.push(history);
        }
        histories
    }
}

/// Whether the index has everything within so long.
pub(crate) async fn is_indexed(cluster: &Cluster, within: Duration) -> bool {
    let client = cluster.servers()[0].client();
    let is_current = |one: &PartitionStatus| one.indexed == Some(one.changes);
    let waited = async {
        while !client.status().await.unwrap().partitions.iter().all(is_current) {
            tokio::task::yield_now().await;
        }
    };
    timeout(within, waited).await.is_ok()
}
