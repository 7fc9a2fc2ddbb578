//! What workers do besides: the recount, old transactions, the list of nodes, the status.

use std::time::Duration;

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use sqlx::Executor;
use tiro_cluster::Node;
use tiro_cluster::rabbitmq::Broker;
use tiro_cluster::status::ClusterStatus;
use tiro_cluster::worker::{Clear, Recount};
use tiro_core::Engine;
use tokio::sync::watch;

use crate::cluster::{Cluster, with_cluster};
use crate::index::NotedIndex;
use crate::work::Running;
use crate::world::World;

/// Two applications of three chats with four messages each, the last one a tombstone.
async fn fill(cluster: &Cluster) {
    for application in 1..=2 {
        sqlx::query(
            "INSERT INTO applications (id, token, restoring, partition_id, epoch, chats_count, last_chat_number, \
             last_position, created_at, updated_at, version, listed) VALUES (?, ?, 0, 0, 'abc', 3, 3, 9, 0, 0, 1, 1)",
        )
        .bind(application)
        .bind(format!("app_{application:022}").into_bytes())
        .execute(&cluster.pool)
        .await
        .unwrap();
        for chat in 1..=3 {
            sqlx::query(
                "INSERT INTO chats (application, number, messages_count, last_message_number, created_at, updated_at, \
                 version, activity_position, change_position, markers_count) VALUES (?, ?, 3, 4, 0, 0, 1, 1, 1, 0)",
            )
            .bind(application)
            .bind(chat)
            .execute(&cluster.pool)
            .await
            .unwrap();
            sqlx::query(
                "INSERT INTO messages (application, chat, number, body, created_at, updated_at, deleted_at, version, \
                 created_position) VALUES (?, ?, 1, 'a', 0, 0, NULL, 1, 1)",
            )
            .bind(application)
            .bind(chat)
            .execute(&cluster.pool)
            .await
            .unwrap();
        }
    }
    cluster
        .pool
        .execute(
            "INSERT INTO messages (application, chat, number, body, created_at, updated_at, deleted_at, version, \
             created_position) SELECT application, chat, number + 1, 'b', 0, 0, NULL, 1, 2 FROM messages",
        )
        .await
        .unwrap();
    cluster
        .pool
        .execute(
            "INSERT INTO messages (application, chat, number, body, created_at, updated_at, deleted_at, version, \
             created_position) SELECT application, chat, number + 2, IF(number = 2, NULL, 'c'), 0, 0, \
             IF(number = 2, 5, NULL), 1, 2 FROM messages",
        )
        .await
        .unwrap();
}

async fn chat_counts(cluster: &Cluster) -> Vec<(u64, u64)> {
    sqlx::query_as("SELECT messages_count, last_message_number FROM chats ORDER BY application, number")
        .fetch_all(&cluster.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_that_are_right_stay_and_one_that_is_wrong_is_put_right() {
    with_cluster(|cluster| async move {
        fill(&cluster).await;
        let recount = Recount::new(cluster.pool.clone(), Duration::ZERO);
        let found = recount.chunk().await.unwrap().unwrap();
        assert_eq!((found.chats, found.applications, found.differences, found.ended), (6, 2, 0, true));

        cluster
            .pool
            .execute("UPDATE chats SET messages_count = 9, last_message_number = 2 WHERE application = 2 AND number = 3")
            .await
            .unwrap();
        cluster.pool.execute("UPDATE applications SET chats_count = 1 WHERE id = 1").await.unwrap();
        let found = recount.chunk().await.unwrap().unwrap();
        assert_eq!(found.differences, 2);
        assert_eq!(chat_counts(&cluster).await, [(3, 4); 6]);
        let found = recount.chunk().await.unwrap().unwrap();
        assert_eq!(found.differences, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_number_is_never_lowered() {
    with_cluster(|cluster| async move {
        fill(&cluster).await;
        cluster
            .pool
            .execute("DELETE FROM messages WHERE chat = 1 AND number = 4")
            .await
            .unwrap();
        let recount = Recount::new(cluster.pool.clone(), Duration::ZERO);
        let found = recount.chunk().await.unwrap().unwrap();
        assert_eq!(found.differences, 2);
        assert_eq!(chat_counts(&cluster).await, [(3, 4); 6]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_is_taken_by_one_worker_and_the_next_round_comes_later() {
    with_cluster(|cluster| async move {
        fill(&cluster).await;
        let recount = || Recount::new(cluster.pool.clone(), Duration::from_secs(3_600));
        let (one, other) = (recount(), recount());
        let (one, other) = tokio::join!(one.chunk(), other.chunk());
        assert_eq!(one.unwrap().is_some() as u8 + other.unwrap().is_some() as u8, 1);
        assert_eq!(recount().chunk().await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_chats_are_recounted_in_chunks() {
    with_cluster(|cluster| async move {
        fill(&cluster).await;
        cluster
            .pool
            .execute(
                "INSERT INTO chats (application, number, messages_count, last_message_number, created_at, updated_at, \
                 version, activity_position, change_position, markers_count) \
                 WITH RECURSIVE numbers (number) AS (SELECT 4 UNION ALL SELECT number + 1 FROM numbers WHERE number < 900) \
                 SELECT 1, number, 0, 0, 0, 0, 1, 1, 1, 0 FROM numbers",
            )
            .await
            .unwrap();
        let update = "UPDATE applications SET chats_count = 900, last_chat_number = 900 WHERE id = 1";
        cluster.pool.execute(update).await.unwrap();
        let recount = Recount::new(cluster.pool.clone(), Duration::ZERO);
        let mut found = Vec::new();
        loop {
            let chunk = recount.chunk().await.unwrap().unwrap();
            found.push((chunk.chats, chunk.applications, chunk.differences));
            if chunk.ended {
                break;
            }
        }
        assert_eq!(found, [(500, 1, 0), (403, 1, 0)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_kept_for_an_hour() {
    with_cluster(|cluster| async move {
        cluster
            .pool
            .execute(
                "INSERT INTO transactions VALUES (REPEAT('a', 16), 0), (REPEAT('b', 16), 1), \
                 (REPEAT('c', 16), FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000))",
            )
            .await
            .unwrap();
        let clear = Clear::new(cluster.pool.clone());
        assert_eq!(clear.chunk().await.unwrap().rows, 2);
        assert_eq!(
            clear.chunk().await.unwrap(),
            tiro_cluster::mysql::purge::Purged::default()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_below_a_deleted_chat_is_removed() {
    with_cluster(|cluster| async move {
        fill(&cluster).await;
        let deleted =
            "UPDATE chats SET deleted_at = 1, messages_count = 0 WHERE application = 1 AND number = 2";
        cluster.pool.execute(deleted).await.unwrap();
        cluster
            .pool
            .execute("INSERT INTO garbage VALUES (1, 2, 0)")
            .await
            .unwrap();
        let clear = Clear::new(cluster.pool.clone());
        while clear.chunk().await.unwrap().more {}
        let left = "SELECT COUNT(*), COUNT(IF(application = 1 AND chat = 2, 1, NULL)) FROM messages";
        let left: (i64, i64) = sqlx::query_as(left).fetch_one(&cluster.pool).await.unwrap();
        assert_eq!(left, (20, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_how_far_everything_is() {
    with_cluster(|cluster| async move {
        let publisher = cluster.publisher();
        let relay = cluster.relay(&publisher);
        relay.pass().await.unwrap();
        cluster.commit(1, 3).await;
        relay.pass().await.unwrap();
        cluster.commit(1, 4).await;
        let stop = watch::Sender::new(false);
        let node = tokio::spawn(Node::new(cluster.pool.clone(), "worker").run(stop.subscribe()));
        let index = NotedIndex::that_works();
        let broker = Broker::of(&cluster.config);
        let load = || ClusterStatus::load(&cluster.pool, &broker, &cluster.topology, &*index);
        let mut status = load().await.unwrap();
        while status.nodes.is_empty() {
            status = load().await.unwrap();
        }
        let partition = status.partitions[1];
        assert_eq!(
            (partition.position, partition.announced, partition.indexed),
            (7, 3, Some(0))
        );
        assert_eq!((partition.relay_lag(), partition.search_lag()), (4, Some(7)));
        let queues = status.queues.unwrap();
        let waiting = |queue: &tiro_cluster::status::QueueStatus| queue.counts.unwrap().waiting;
        assert_eq!(queues.changes.iter().map(waiting).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((queues.retries.len(), waiting(&queues.dead)), (2, 0));
        assert_eq!(status.nodes[0].role, "worker");
        stop.send_replace(true);
        node.await.unwrap();
        assert_eq!(load().await.unwrap().nodes, []);

        cluster
            .topology
            .delete(&cluster.rabbitmq().await.create_channel().await.unwrap())
            .await
            .unwrap();
        assert_eq!(load().await.unwrap().queues.unwrap().dead.counts, None);
    })
    .await;
}

/// It only logged that, and nobody looks at the log of a worker while `/readyz` says that all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rabbitmq_does_not_allow_a_worker_every_node_tells_until_it_does() {
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        let connection = cluster.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        let queue = cluster.topology.partition(0);
        // Somebody has made it, of another kind than workers do.
        channel
            .queue_declare(
                queue.as_str().into(),
                QueueDeclareOptions::durable(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        let index = NotedIndex::that_works();
        let worker = Running::start(&cluster, &index);
        let is_told = |remark: &String| {
            remark.contains("changes are not indexed: ") && remark.contains("inequivalent arg")
        };
        while !world.engine.health().remarks.iter().any(is_told) {
            tokio::task::yield_now().await;
        }
        let status = world.engine.status().await.unwrap();
        let named = status.remarks.iter().find(|remark| is_told(remark));
        assert!(named.unwrap().starts_with("The worker "), "{:?}", status.remarks);

        channel
            .queue_delete(queue.as_str().into(), QueueDeleteOptions::default())
            .await
            .unwrap();
        cluster.commit(0, 1).await;
        index.through(0, 1).await;
        while world.engine.health().remarks.iter().any(is_told) {
            tokio::task::yield_now().await;
        }
        worker.stop().await;
        world.engine.close().await;
    })
    .await;
}
