//! What was deleted leaves MySQL and the search index, in bounded steps and whatever is away meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tiro_cluster::worker::{Clear, Cleared, IndexFailure};
use tiro_core::{Command, IfMatch};

use crate::cluster::{Cluster, with_cluster};
use crate::world::{World, delete_chat, token};
use tiro_conformance::{Fault, Proxy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_leaves_the_index_though_it_was_away_when_the_rows_went() {
    if tiro_conformance::is_lacking("delete-by-query") {
        return;
    }
    with_cluster(|cluster| async move {
        let proxy = Proxy::start(&cluster.config.opensearch).await;
        let mut config = cluster.config.clone();
        config.opensearch = proxy.url().to_owned();
        let world = World::of(&cluster, &config).await;
        world.fill("one", 3, 5).await;
        world.fill("two", 1, 5).await;
        let restored = world.begin_restore("restored").await;
        world.go_on_with(restored).await.unwrap();
        world.index_all().await;
        let given_up = Command::AbandonRestore {
            application: restored,
        };
        world.done(given_up).await;
        for gone in [1, 2] {
            world.done(delete_chat("one", gone)).await;
        }
        let gone = Command::DeleteApplication {
            token: token("two"),
            if_match: IfMatch::Any,
        };
        world.done(gone).await;
        world.index_all().await;
        assert_eq!(world.documents("application", "1").await, 15);
        assert_eq!(world.documents("application", "2").await, 5);
        assert_eq!(world.documents("application", &restored.0.to_string()).await, 1);

        proxy.set(Fault::Refuse);
        world.remove_rows().await;
        assert_eq!(world.noted().await, 4);
        let away = world.clear_index().await.unwrap_err();
        assert!(matches!(away, IndexFailure::Unavailable(_)), "{away}");
        assert_eq!(world.noted().await, 4);

        proxy.set(Fault::None);
        world.clear_index_wholly().await;
        assert_eq!(world.noted().await, 0);
        assert_eq!(world.documents("application", "1").await, 5);
        assert_eq!(world.documents("chat", "1.3").await, 5);
        assert_eq!(world.documents("application", "2").await, 0);
        assert_eq!(world.documents("application", &restored.0.to_string()).await, 0);
        world.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_stay_until_nobody_writes_them_any_more() {
    if tiro_conformance::is_lacking("delete-by-query") {
        return;
    }
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        world.fill("one", 1, 5).await;
        world.index_all().await;
        world.send("one", 1, 5).await;
        world.done(delete_chat("one", 1)).await;
        world.remove_rows().await;
        assert_eq!(world.clear_index().await.unwrap(), Cleared::default());
        assert_eq!(
            (world.noted().await, world.documents("chat", "1.1").await),
            (1, 5)
        );

        world.index_all().await;
        let first = world.clear_index().await.unwrap();
        assert_eq!((first.documents, first.things), (5, 0));
        let last = world.clear_index().await.unwrap();
        assert_eq!((last.documents, last.things), (0, 1));
        assert_eq!(
            (world.noted().await, world.documents("chat", "1.1").await),
            (0, 0)
        );
        world.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_index_there_is_nothing_to_take_out_of_the_next_one() {
    if tiro_conformance::is_lacking("delete-by-query") {
        return;
    }
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        world.fill("one", 2, 5).await;
        world.index_all().await;
        world.indexer.index().delete_all().await.unwrap();
        world.done(delete_chat("one", 1)).await;
        world.remove_rows().await;
        assert_eq!(world.clear_index().await.unwrap(), Cleared::default());
        world.index_all().await;
        world.clear_index_wholly().await;
        assert_eq!(world.noted().await, 0);
        assert_eq!(world.documents("application", "1").await, 5);
        world.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_transactions_go_in_bounded_chunks_and_young_ones_stay() {
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        world.fill("one", 1, 1).await;
        let young = transactions(&cluster).await;
        assert_eq!(young, 3);
        // The oldest that stays is just younger than an hour.
        let old = "INSERT INTO transactions (id, at) WITH RECURSIVE numbers (number) AS \
                   (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 900) \
                   SELECT UNHEX(LEFT(SHA2(CONCAT(number, ?), 256), 32)), ? FROM numbers";
        let now = now_ms();
        for (salt, age_ms) in [("a", 3_601_000), ("b", 7_200_000), ("c", 3_500_000)] {
            sqlx::query(old)
                .bind(salt)
                .bind(now - age_ms)
                .execute(&cluster.pool)
                .await
                .unwrap();
        }
        let clear = Clear::new(cluster.pool.clone());
        assert_eq!(clear.chunk().await.unwrap().rows, 1_000);
        assert_eq!(clear.chunk().await.unwrap().rows, 800);
        assert_eq!(clear.chunk().await.unwrap().rows, 0);
        assert_eq!(transactions(&cluster).await, 900 + young);
        world.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_goes_in_bounded_chunks_while_writes_go_on() {
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        world.fill("one", 2, 1_000).await;
        for _ in 0..3 {
            world.send("one", 1, 1_000).await;
        }
        world.done(delete_chat("one", 1)).await;
        let clear = Clear::new(cluster.pool.clone());
        let is_over = AtomicBool::new(false);
        let clearing = async {
            let mut chunks = Vec::new();
            loop {
                let chunk = clear.chunk().await.unwrap();
                chunks.push(chunk.rows);
                if !chunk.more {
                    is_over.store(true, Ordering::Relaxed);
                    return chunks;
                }
            }
        };
        let writing = async {
            let mut sent = 0;
            while !is_over.load(Ordering::Relaxed) || sent == 0 {
                world.send("one", 2, 10).await;
                sent += 10;
            }
            sent
        };
        let (chunks, sent) = tokio::join!(clearing, writing);
        assert!(chunks.iter().all(|rows| *rows <= 1_000), "{chunks:?}");
        assert_eq!(chunks.iter().sum::<u64>(), 4_000, "{chunks:?}");
        let left = "SELECT COUNT(*), CAST(MAX(number) AS SIGNED), COUNT(IF(chat = 1, 1, NULL)) FROM messages";
        let left: (i64, i64, i64) = sqlx::query_as(left).fetch_one(&cluster.pool).await.unwrap();
        assert_eq!(left, (1_000 + sent, 1_000 + sent, 0));
        world.engine.close().await;
    })
    .await;
}

async fn transactions(cluster: &Cluster) -> i64 {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM transactions");
    count.fetch_one(&cluster.pool).await.unwrap()
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
