//! Restores whose node died are given up by how long they stood still.

use std::time::Duration;

use sqlx::Executor;
use tiro_cluster::worker::Restores;
use tiro_core::{ApplicationId, Engine, Failure, Rejection};

use crate::cluster::{Cluster, with_cluster};
use crate::world::{World, token};

const HOUR: Duration = Duration::from_secs(3_600);

impl World {
    /// As if it went on for the last time two hours ago.
    async fn stand_still(&self, application: ApplicationId) {
        let earlier = sqlx::query("UPDATE applications SET restored_at = restored_at - 7200000 WHERE id = ?");
        let earlier = earlier.bind(application.0).execute(&self.cluster.pool);
        assert_eq!(earlier.await.unwrap().rows_affected(), 1);
    }

    /// Rows of an application in all tables.
    async fn rows(&self, application: ApplicationId) -> i64 {
        let count = "SELECT (SELECT COUNT(*) FROM applications WHERE id = ?) + \
                     (SELECT COUNT(*) FROM chats WHERE application = ?) + \
                     (SELECT COUNT(*) FROM messages WHERE application = ?) + \
                     (SELECT COUNT(*) FROM changes WHERE application = ?)";
        let mut count = sqlx::query_scalar(count);
        for _ in 0..4 {
            count = count.bind(application.0);
        }
        count.fetch_one(&self.cluster.pool).await.unwrap()
    }
}

/// Waits until somebody of this cluster waits for the lock of a partition.
async fn somebody_waits(cluster: &Cluster) {
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() \
                   AND info LIKE 'SELECT position FROM partitions WHERE id = % FOR UPDATE'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&cluster.pool)
        .await
        .unwrap()
        == 0
    {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_whose_node_died_is_given_up_and_one_that_moves_goes_on() {
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        let dead = {
            let dying = World::of(&cluster, &cluster.config).await;
            dying.begin_restore("dead").await
        };
        let moving = world.begin_restore("moving").await;
        let restores = Restores::new(cluster.pool.clone(), HOUR);
        assert_eq!(restores.chunk().await.unwrap(), 0);

        world.stand_still(dead).await;
        world.stand_still(moving).await;
        world.go_on_with(moving).await.unwrap();
        assert_eq!(restores.chunk().await.unwrap(), 1);
        assert_eq!(restores.chunk().await.unwrap(), 0);
        world.remove_rows().await;
        assert_eq!(world.rows(dead).await, 0);

        let gone = Failure::Rejected(Rejection::NotRestoring);
        assert_eq!(world.go_on_with(dead).await.unwrap_err(), gone);
        assert_eq!(world.finish(dead, "dead").await.unwrap_err(), gone);
        world.finish(moving, "moving").await.unwrap();
        assert_eq!(restores.chunk().await.unwrap(), 0);
        let restored = world.engine.application(&token("moving")).await.unwrap();
        assert_eq!(restored.thing.last_position, 3);

        let again = world.begin_restore("dead").await;
        world.go_on_with(again).await.unwrap();
        world.finish(again, "dead").await.unwrap();
        world.engine.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_goes_on_while_it_is_given_up_stays() {
    with_cluster(|cluster| async move {
        let world = World::of(&cluster, &cluster.config).await;
        let moving = world.begin_restore("moving").await;
        world.stand_still(moving).await;
        let mut writer = Box::pin(cluster.pool.begin_with("BEGIN")).await.unwrap();
        let lock = "SELECT position FROM partitions FOR UPDATE";
        writer.execute(lock).await.unwrap();
        writer
            .execute("UPDATE applications SET restored_at = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)")
            .await
            .unwrap();
        let restores = Restores::new(cluster.pool.clone(), HOUR);
        let giving_up = tokio::spawn(async move { restores.chunk().await });
        somebody_waits(&cluster).await;
        writer.commit().await.unwrap();
        assert_eq!(giving_up.await.unwrap().unwrap(), 0);
        world.go_on_with(moving).await.unwrap();
        world.finish(moving, "moving").await.unwrap();
        world.engine.close().await;
    })
    .await;
}
