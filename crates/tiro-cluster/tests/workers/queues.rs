//! Publishing and the relay: nothing counts as told before RabbitMQ has confirmed it.

use lapin::options::QueueDeleteOptions;
use tiro_cluster::rabbitmq::{Announcement, RabbitError};
use tiro_conformance::Fault;

use crate::cluster::with_cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_moves_after_the_confirm() {
    with_cluster(|cluster| async move {
        let relay = cluster.relay(&cluster.publisher());
        cluster.commit(0, 7).await;
        assert_eq!(relay.pass().await.unwrap(), 0, "the first pass makes the cursors");
        assert_eq!(relay.pass().await.unwrap(), 1);
        assert_eq!(cluster.cursors().await, [(0, 7), (1, 0)].into());
        cluster.arrived(&cluster.topology.partition(0), 1).await;
        assert_eq!(relay.pass().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_bounded_and_the_next_one_goes_on() {
    with_cluster(|cluster| async move {
        let relay = cluster.relay(&cluster.publisher());
        relay.pass().await.unwrap();
        cluster.commit(1, 12_345).await;
        let mut cursors = Vec::new();
        while relay.pass().await.unwrap() > 0 {
            cursors.push(cluster.cursors().await[&1]);
        }
        assert_eq!(cursors, [5_000, 10_000, 12_345]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_confirm_is_lost_is_announced_again() {
    with_cluster(|cluster| async move {
        let (behind, proxy) = cluster.behind_proxy().await;
        let publisher = behind.publisher();
        let relay = behind.relay(&publisher);
        relay.pass().await.unwrap();
        relay.pass().await.unwrap();
        cluster.commit(0, 1).await;
        relay.pass().await.unwrap();

        proxy.set(Fault::StallAnswers);
        cluster.commit(0, 2).await;
        let queue = cluster.topology.partition(0);
        let cut = async {
            cluster.arrived(&queue, 2).await;
            proxy.cut();
        };
        let (pass, ()) = tokio::join!(relay.pass(), cut);
        pass.unwrap_err();
        assert_eq!(
            cluster.cursors().await[&0],
            1,
            "what was not confirmed was not told"
        );

        while relay.pass().await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(cluster.cursors().await[&0], 3);
        cluster.arrived(&queue, 3).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_a_queue_is_a_failure_of_that_message_alone() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        let first = Announcement::new(0, 1, 1).unwrap();
        assert_eq!(publisher.announce(&[first]).await, [Ok(())]);
        let connection = cluster.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        let queue = cluster.topology.partition(1);
        channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await
            .unwrap();

        let announcements: Vec<_> = (0..20)
            .map(|at| Announcement::new(at % 2, 2, 2).unwrap())
            .collect();
        let outcomes = publisher.announce(&announcements).await;
        for (announcement, outcome) in announcements.iter().zip(&outcomes) {
            let right = if announcement.partition == 1 {
                Err(RabbitError::Unroutable)
            } else {
                Ok(())
            };
            assert_eq!(*outcome, right, "{outcomes:?}");
        }
        // The queue is made again by itself.
        assert!(publisher.announce(&announcements).await.iter().all(Result::is_ok));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_holds_the_cursor() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        // The limit is passed a little before RabbitMQ refuses.
        let many: Vec<_> = (1..=4_000)
            .map(|at| Announcement::new(0, at, at).unwrap())
            .collect();
        let outcomes = publisher.announce(&many).await;
        assert!(outcomes.contains(&Err(RabbitError::Refused)));
        let relay = cluster.relay(&publisher);
        relay.pass().await.unwrap();
        cluster.commit(0, 1).await;
        relay.pass().await.unwrap_err();
        assert_eq!(cluster.cursors().await[&0], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_at_once_tell_everything() {
    with_cluster(|cluster| async move {
        let (one, other) = (cluster.publisher(), cluster.publisher());
        let (one, other) = (cluster.relay(&one), cluster.relay(&other));
        one.pass().await.unwrap();
        for round in 1..=10 {
            cluster.commit(0, 3).await;
            cluster.commit(1, 1).await;
            // RabbitMQ may refuse while both make the queues; like any failure that is repeated.
            while cluster.cursors().await != [(0, 3 * round), (1, round)].into() {
                let passes: [_; 2] = tokio::join!(one.pass(), other.pass()).into();
                assert!(passes.iter().flatten().all(|announced| *announced <= 2));
            }
        }
        assert_eq!(one.pass().await.unwrap() + other.pass().await.unwrap(), 0);
    })
    .await;
}
