//! Dead letters: listed, shown, replayed and dropped, and never lost by looking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tiro_cluster::rabbitmq::Broker;
use tiro_cluster::rabbitmq::dead::{DeadLetters, Which};
use tiro_cluster::worker::IndexFailure;

use crate::cluster::with_cluster;
use crate::index::NotedIndex;
use crate::work::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_always_fails_is_a_dead_letter_until_it_is_replayed() {
    with_cluster(|cluster| async move {
        let broken = Arc::new(AtomicBool::new(true));
        let is_broken = broken.clone();
        let index = NotedIndex::new(move |_, _| match is_broken.load(Ordering::SeqCst) {
            true => Err(IndexFailure::Failed("a broken document".to_owned())),
            false => Ok(()),
        });
        let worker = Running::start(&cluster, &index);
        cluster.commit(1, 3).await;
        cluster.arrived(&cluster.topology.dead(), 1).await;

        let publisher = cluster.publisher();
        let dead = DeadLetters::open(&Broker::of(&cluster.config), &publisher)
            .await
            .unwrap();
        let letters = dead.list(10).await.unwrap();
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        assert!(letter.reason.contains("a broken document"), "{letter:?}");
        assert_eq!((letter.tries, &letter.queue), (5, &cluster.topology.partition(1)));
        let announcement = letter.announcement.as_ref().unwrap();
        assert_eq!((announcement.partition, announcement.last), (1, 3));
        assert_eq!(dead.show(&letter.id).await.unwrap().as_ref(), Some(letter));
        assert_eq!(dead.show("another").await.unwrap(), None);

        broken.store(false, Ordering::SeqCst);
        assert_eq!(dead.replay(Which::Id("another"), &publisher).await.unwrap(), 0);
        assert_eq!(dead.replay(Which::Id(&letter.id), &publisher).await.unwrap(), 1);
        index.through(1, 3).await;
        assert_eq!(dead.list(10).await.unwrap(), []);
        dead.close().await.unwrap();
        worker.stop().await;
        assert_eq!(index.until(|_| true).await.calls, [(1, 3); 6]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_dead_letters_loses_none_and_dropping_drops_one() {
    with_cluster(|cluster| async move {
        let index = NotedIndex::new(|_, _| Err(IndexFailure::Failed("for ever".to_owned())));
        let worker = Running::start(&cluster, &index);
        for partition in [0, 1] {
            cluster.commit(partition, 1).await;
        }
        cluster.arrived(&cluster.topology.dead(), 2).await;
        worker.stop().await;

        let publisher = cluster.publisher();
        let dead = DeadLetters::open(&Broker::of(&cluster.config), &publisher)
            .await
            .unwrap();
        for _ in 0..30 {
            assert_eq!(dead.list(10).await.unwrap().len(), 2);
        }
        assert_eq!(dead.list(1).await.unwrap().len(), 1);
        let letters = dead.list(10).await.unwrap();
        assert_eq!(dead.drop(Which::Id(&letters[0].id)).await.unwrap(), 1);
        assert_eq!(dead.list(10).await.unwrap(), letters[1..]);
        assert_eq!(dead.drop(Which::All).await.unwrap(), 1);
        assert_eq!(dead.list(10).await.unwrap(), []);
        dead.close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_understands_is_a_dead_letter_at_once() {
    with_cluster(|cluster| async move {
        let index = NotedIndex::that_works();
        let worker = Running::start(&cluster, &index);
        cluster.commit(0, 1).await;
        index.through(0, 1).await;
        let connection = cluster.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        let queue = cluster.topology.partition(0);
        channel
            .basic_publish(
                "".into(),
                queue.as_str().into(),
                lapin::options::BasicPublishOptions::default(),
                b"what?",
                lapin::BasicProperties::default(),
            )
            .await
            .unwrap();
        cluster.arrived(&cluster.topology.dead(), 1).await;
        let publisher = cluster.publisher();
        let dead = DeadLetters::open(&Broker::of(&cluster.config), &publisher)
            .await
            .unwrap();
        let letters = dead.list(10).await.unwrap();
        assert_eq!(
            (letters[0].body.as_str(), &letters[0].announcement),
            ("what?", &None)
        );
        cluster.commit(0, 1).await;
        index.through(0, 2).await;
        worker.stop().await;
    })
    .await;
}
