//! Who takes part: every node keeps a row of its own fresh, by the clock of MySQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(5);
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A node that was silent for longer has no share.
const SHARE_WITHIN_MS: i64 = 15_000;

/// Bytes of a node's trouble that are told; the column has as many.
const TROUBLE_BYTES_MAX: usize = 500;

/// This node, as the others see it.
pub struct Node {
    pool: Pool,
    role: &'static str,
    name: String,
    share: watch::Sender<Share>,
    troubles: Troubles,
}

/// What keeps a node from its work and only it knows; the others are told through its row, at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles(Arc<watch::Sender<BTreeMap<&'static str, String>>>);

impl Troubles {
    /// Something is not done, and why.
    pub(crate) fn begin(&self, what: &'static str, why: &str) {
        self.0.send_if_modified(|troubles| {
            let before = troubles.insert(what, why.to_owned());
            before.as_deref() != Some(why)
        });
    }

    /// It is done again.
    pub(crate) fn end(&self, what: &'static str) {
        self.0
            .send_if_modified(|troubles| troubles.remove(what).is_some());
    }

    /// All of them, cut to what a row holds.
    fn text(&self) -> Option<String> {
        let troubles = self.0.borrow();
        let each: Vec<String> = troubles
            .iter()
            .map(|(what, why)| format!("{what}: {why}"))
            .collect();
        let mut text = each.join("; ");
        text.truncate(text.floor_char_boundary(TROUBLE_BYTES_MAX));
        (!text.is_empty()).then_some(text)
    }
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
    /// What it does not do, and why, as it said last.
    pub trouble: Option<String>,
}

impl Node {
    /// A node of this process.
    #[must_use]
    pub fn new(pool: Pool, role: &'static str) -> Node {
        let system = rustix::system::uname();
        let name = format!("{}/{}", system.nodename().to_string_lossy(), std::process::id());
        Node {
            pool,
            role,
            name,
            share: watch::Sender::new(Share::ALL),
            troubles: Troubles::default(),
        }
    }

    /// What is told of it.
    pub(crate) fn troubles(&self) -> Troubles {
        self.troubles.clone()
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
        let mut troubles = self.troubles.0.subscribe();
        while !*stop.borrow() {
            troubles.mark_unchanged();
            let beat = async {
                if let Err(error) = step(self.beat(&id)).await {
                    tracing::debug!(%error, "this node is not listed for now");
                }
                tokio::select! {
                    () = sleep(EVERY) => {}
                    // The sender is this node's.
                    _ = troubles.changed() => {}
                }
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
            "INSERT INTO nodes (id, role, name, started_at, seen_at, trouble) \
             VALUES (?, ?, ?, FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000), FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000), ?) \
             ON DUPLICATE KEY UPDATE seen_at = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000), trouble = VALUES(trouble)",
        )
        .bind(&id[..])
        .bind(self.role.as_bytes())
        .bind(self.name.as_bytes())
        .bind(self.troubles.text().map(String::into_bytes))
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
pub(crate) async fn running(pool: &Pool) -> Result<u64, sqlx::Error> {
    let running = "SELECT CAST(COUNT(*) AS UNSIGNED) FROM nodes WHERE seen_at > FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ?";
    let running = sqlx::query_scalar(running).bind(SHARE_WITHIN_MS);
    running.fetch_one(pool).await
}

/// What keeps nodes from their work that run, by their roles: at most 100.
pub(crate) async fn troubles(pool: &Pool) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT role, trouble FROM nodes \
         WHERE trouble IS NOT NULL AND seen_at > FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ? ORDER BY id LIMIT 100",
    );
    let rows = rows.bind(SHARE_WITHIN_MS).fetch_all(pool).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    rows.iter()
        .map(|row| Ok((text(row.try_get(0)?), text(row.try_get(1)?))))
        .collect()
}

/// The nodes, the oldest first, at most 1,000.
pub(crate) async fn seen(pool: &Pool) -> Result<Vec<SeenNode>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT role, name, \
         CAST(FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - started_at AS SIGNED), \
         CAST(FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - seen_at AS SIGNED), trouble \
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
                trouble: row.try_get::<Option<Vec<u8>>, _>(4)?.map(text),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_told_together_cut_to_what_a_row_holds_and_forgotten_when_they_end() {
        let troubles = Troubles::default();
        assert_eq!(troubles.text(), None);
        troubles.begin("b", "no right");
        troubles.begin("a", "locked");
        assert_eq!(troubles.text().as_deref(), Some("a: locked; b: no right"));
        troubles.begin("a", &"ü".repeat(TROUBLE_BYTES_MAX));
        let cut = troubles.text().expect("there are two");
        assert_eq!(cut.len(), TROUBLE_BYTES_MAX - 1);
        troubles.end("a");
        troubles.end("b");
        assert_eq!(troubles.text(), None);
    }

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
