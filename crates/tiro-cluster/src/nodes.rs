//! Who takes part: every node keeps a row of its own fresh, by the clock of MySQL.

use std::time::Duration;

use sqlx::{MySqlPool, Row};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::mysql::beside::step;
use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(5);
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A node that was silent for longer has no share.
const SHARE_WITHIN_MS: i64 = 15_000;

/// This node, as the others see it.
pub struct Node {
    pool: MySqlPool,
    role: &'static str,
    name: String,
    share: watch::Sender<Share>,
}

/// Which partitions this node had best take, of all nodes of its role. Two nodes may think so of one partition for a
/// while: it is a wish, what is right does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    place: usize,
    of: usize,
}

impl Share {
    pub(crate) const ALL: Share = Share { place: 0, of: 1 };

    pub(crate) fn has(self, partition: u16) -> bool {
        usize::from(partition) % self.of == self.place
    }
}

/// A node that was seen within the last ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenNode {
    /// `worker`, or what else a node is.
    pub role: String,
    /// Its machine and process.
    pub name: String,
    /// Since it began.
    pub age: Duration,
    /// Since it was seen last.
    pub silent: Duration,
}

impl Node {
    /// A node of this process.
    #[must_use]
    pub fn new(pool: MySqlPool, role: &'static str) -> Node {
        let system = rustix::system::uname();
        let name = format!("{}/{}", system.nodename().to_string_lossy(), std::process::id());
        Node {
            pool,
            role,
            name,
            share: watch::Sender::new(Share::ALL),
        }
    }

    pub(crate) fn share(&self) -> watch::Receiver<Share> {
        self.share.subscribe()
    }

    /// Keeps its row until it is stopped, and removes it then.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut id = [0; 16];
        if let Err(error) = getrandom::fill(&mut id) {
            tracing::error!(%error, "this node is not listed: no random bytes");
            return stopped(&mut stop).await;
        }
        while !*stop.borrow() {
            let beat = async {
                if let Err(error) = step(self.beat(&id)).await {
                    tracing::debug!(%error, "this node is not listed for now");
                }
                sleep(EVERY).await;
            };
            tokio::select! {
                () = beat => {}
                () = stopped(&mut stop) => {}
            }
        }
        let leave = sqlx::query("DELETE FROM nodes WHERE id = ?")
            .bind(&id[..])
            .execute(&self.pool);
        if !matches!(timeout(LEAVE_WITHIN, leave).await, Ok(Ok(_))) {
            tracing::debug!("this node stays listed for some minutes");
        }
    }

    async fn beat(&self, id: &[u8; 16]) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO nodes (id, role, name, started_at, seen_at) \
             VALUES (?, ?, ?, FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000), FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)) \
             ON DUPLICATE KEY UPDATE seen_at = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)",
        )
        .bind(&id[..])
        .bind(self.role.as_bytes())
        .bind(self.name.as_bytes())
        .execute(&self.pool)
        .await?;
        sqlx::query("DELETE FROM nodes WHERE seen_at < FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - 600000")
            .execute(&self.pool)
            .await?;
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM nodes WHERE role = ? AND seen_at > FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ? ORDER BY id",
        )
        .bind(self.role.as_bytes())
        .bind(SHARE_WITHIN_MS)
        .fetch_all(&self.pool)
        .await?;
        let place = ids.iter().position(|other| other == id);
        let share = place.map_or(Share::ALL, |place| Share { place, of: ids.len() });
        self.share
            .send_if_modified(|known| std::mem::replace(known, share) != share);
        Ok(())
    }
}

/// How many nodes run, of any role: they were seen within the last 15 s.
pub(crate) async fn running(pool: &MySqlPool) -> Result<u64, sqlx::Error> {
    let running = "SELECT CAST(COUNT(*) AS UNSIGNED) FROM nodes WHERE seen_at > FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ?";
    let running = sqlx::query_scalar(running).bind(SHARE_WITHIN_MS);
    running.fetch_one(pool).await
}

/// The nodes, the oldest first, at most 1,000.
pub(crate) async fn seen(pool: &MySqlPool) -> Result<Vec<SeenNode>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT role, name, \
         CAST(FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - started_at AS SIGNED), \
         CAST(FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - seen_at AS SIGNED) \
         FROM nodes ORDER BY started_at LIMIT 1000",
    )
    .fetch_all(pool)
    .await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let since = |ms: i64| Duration::from_millis(ms.max(0).unsigned_abs());
    rows.iter()
        .map(|row| {
            Ok(SeenNode {
                role: text(row.try_get(0)?),
                name: text(row.try_get(1)?),
                age: since(row.try_get(2)?),
                silent: since(row.try_get(3)?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_in_one_share() {
        for of in 1..5 {
            for partition in 0..20 {
                let shares = (0..of).filter(|place| Share { place: *place, of }.has(partition));
                assert_eq!(shares.count(), 1);
            }
        }
    }
}
