//! The work itself: done in the end, whatever happens to connections and queues meanwhile.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueuePurgeOptions;
use tiro_cluster::rabbitmq::Announcement;
use tiro_cluster::worker::{self, IndexFailure, Lag, WorkerError, WorkerOptions};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, with_cluster};
use crate::index::NotedIndex;

/// A worker that is stopped at the end of the test.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    worker: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub(crate) fn start(cluster: &Cluster, index: &Arc<NotedIndex>) -> Running {
        let options = WorkerOptions {
            delays: cluster.topology.delays.clone(),
            tries_max: 5,
            lag_every: Duration::from_secs(3_600),
            ..WorkerOptions::default()
        };
        let stop = watch::Sender::new(false);
        let (cluster, index, stopped) = (cluster.clone(), index.clone(), stop.subscribe());
        let worker = tokio::spawn(async move {
            worker::run(&cluster.config, cluster.pool.clone(), index, options, stopped).await
        });
        Running { stop, worker }
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.worker.await.unwrap().unwrap();
    }
}

fn failed() -> Result<(), IndexFailure> {
    Err(IndexFailure::Failed("as the test wants it".to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_is_indexed() {
    with_cluster(|cluster| async move {
        let index = NotedIndex::that_works();
        let worker = Running::start(&cluster, &index);
        cluster.commit(0, 5).await;
        cluster.commit(1, 12_000).await;
        index.through(0, 5).await;
        index.through(1, 12_000).await;
        worker.stop().await;
        for partition in [0, 1] {
            assert_eq!(cluster.waiting(&cluster.topology.partition(partition)).await, 0);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_three_times_is_tried_a_fourth_time() {
    with_cluster(|cluster| async move {
        let index = NotedIndex::new(|_, before| if before < 3 { failed() } else { Ok(()) });
        let worker = Running::start(&cluster, &index);
        cluster.commit(0, 5).await;
        index.through(0, 5).await;
        worker.stop().await;
        assert_eq!(index.until(|_| true).await.calls, [(0, 5); 4]);
        assert_eq!(cluster.waiting(&cluster.topology.dead()).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_away_counts_no_tries() {
    with_cluster(|cluster| async move {
        let away = || Err(IndexFailure::Unavailable("as the test wants it".to_owned()));
        let index = NotedIndex::new(move |_, before| if before < 4 { away() } else { Ok(()) });
        let worker = Running::start(&cluster, &index);
        cluster.commit(1, 1).await;
        index.through(1, 1).await;
        worker.stop().await;
        assert_eq!(index.until(|_| true).await.calls.len(), 5);
        assert_eq!(cluster.waiting(&cluster.topology.dead()).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_fails_does_not_hold_up_another() {
    with_cluster(|cluster| async move {
        let index = NotedIndex::new(|partition, _| if partition == 0 { failed() } else { Ok(()) });
        let worker = Running::start(&cluster, &index);
        cluster.commit(0, 1).await;
        cluster.commit(1, 1).await;
        index.through(1, 1).await;
        cluster.arrived(&cluster.topology.dead(), 1).await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_under_load_lose_nothing() {
    with_cluster(|cluster| async move {
        let (behind, proxy) = cluster.behind_proxy().await;
        let index = NotedIndex::that_works();
        let worker = Running::start(&behind, &index);
        let mut committed = 0;
        for _ in 0..4 {
            let connections = proxy.connections();
            for _ in 0..20 {
                cluster.commit(0, 1).await;
                cluster.commit(1, 2).await;
                committed += 1;
            }
            index.through(0, committed - 20).await;
            proxy.cut();
            proxy.connected(connections + 1).await;
        }
        cluster.commit(0, 1).await;
        index.through(0, committed + 1).await;
        index.through(1, 2 * committed).await;
        worker.stop().await;
        assert_eq!(cluster.waiting(&cluster.topology.dead()).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_joins_is_given_its_share() {
    with_cluster(|cluster| async move {
        let (first, second) = (NotedIndex::that_works(), NotedIndex::that_works());
        let workers = [
            Running::start(&cluster, &first),
            Running::start(&cluster, &second),
        ];
        for position in 1.. {
            let mut by_first = Vec::new();
            for partition in [0, 1] {
                cluster.commit(partition, 1).await;
                by_first.push(tokio::select! {
                    () = first.through(partition, position) => true,
                    () = second.through(partition, position) => false,
                });
            }
            if by_first[0] != by_first[1] {
                break;
            }
        }
        for worker in workers {
            worker.stop().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_goes_is_replaced() {
    with_cluster(|cluster| async move {
        let (first, second) = (NotedIndex::that_works(), NotedIndex::that_works());
        let one = Running::start(&cluster, &first);
        cluster.commit(0, 1).await;
        first.through(0, 1).await;
        let other = Running::start(&cluster, &second);
        one.stop().await;
        cluster.commit(0, 1).await;
        cluster.commit(1, 1).await;
        second.through(0, 2).await;
        second.through(1, 1).await;
        other.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_purged_is_indexed_nevertheless() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        let relay = cluster.relay(&publisher);
        relay.pass().await.unwrap();
        cluster.commit(0, 9).await;
        relay.pass().await.unwrap();
        let connection = cluster.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        let queue = cluster.topology.partition(0);
        let purged = channel
            .queue_purge(queue.into(), QueuePurgeOptions::default())
            .await
            .unwrap();
        assert_eq!(purged, 1);

        let index = NotedIndex::that_works();
        let worker = Running::start(&cluster, &index);
        let mut lag = Lag::new(cluster.pool.clone(), publisher, index.clone());
        assert_eq!(lag.look().await.unwrap(), 0, "it may be on its way");
        assert_eq!(lag.look().await.unwrap(), 1);
        index.through(0, 9).await;
        assert_eq!(lag.look().await.unwrap(), 0);
        worker.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_unindexed_is_announced_ever_more_seldom() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        let relay = cluster.relay(&publisher);
        relay.pass().await.unwrap();
        cluster.commit(0, 9).await;
        relay.pass().await.unwrap();
        let mut lag = Lag::new(cluster.pool.clone(), publisher, NotedIndex::that_works());
        let mut announced = Vec::new();
        for _ in 0..5 {
            announced.push(lag.look().await.unwrap());
        }
        assert_eq!(announced, [0, 1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_overtaken_or_doubled_harms_nothing() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        // The last one says when the others are done with: a queue is worked through in order.
        let announcements = [(5, 9), (1, 4), (5, 9), (10, 12)];
        let announcements = announcements.map(|(first, last)| Announcement::new(0, first, last).unwrap());
        assert!(publisher.announce(&announcements).await.iter().all(Result::is_ok));
        let index = NotedIndex::that_works();
        let worker = Running::start(&cluster, &index);
        index.through(0, 12).await;
        worker.stop().await;
        assert_eq!(cluster.waiting(&cluster.topology.partition(0)).await, 0);
    })
    .await;
}
