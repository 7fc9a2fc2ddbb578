//! Restores that nobody goes on with, given up: what they stored becomes garbage, as when their own node gives them up.

use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Row};

use super::pool::Pool;

/// Most restores of one look.
const RESTORES_MAX: u64 = 100;

/// A restore that stands still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still {
    pub(crate) application: u32,
    pub(crate) partition: u16,
}

/// Those that did not go on for longer than this, by the clock of MySQL: the longest first.
pub(crate) async fn still(pool: &Pool, silent_max: Duration) -> Result<Vec<Still>, sqlx::Error> {
    let longest = "SELECT id, partition_id FROM applications \
                   WHERE restored_at < FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ? ORDER BY restored_at LIMIT ?";
    let longest = sqlx::query(longest).bind(millis(silent_max)).bind(RESTORES_MAX);
    let rows = Box::pin(longest.fetch_all(pool)).await?;
    let restore = |row: &sqlx::mysql::MySqlRow| {
        Ok(Still {
            application: row.try_get(0)?,
            partition: row.try_get(1)?,
        })
    };
    rows.iter().map(restore).collect()
}

/// Gives one up, unless it went on or was finished meanwhile; answers whether it did. Behind the lock of the partition, so
/// that whoever writes to the restore comes before, and then it goes on, or after, and then it is not there.
pub(crate) async fn give_up(pool: &Pool, restore: Still, silent_max: Duration) -> Result<bool, sqlx::Error> {
    let mut loan = Box::pin(pool.acquire()).await?;
    let is_given_up = give_up_on(&mut loan, restore, silent_max).await?;
    loan.give_back();
    Ok(is_given_up)
}

async fn give_up_on(
    connection: &mut MySqlConnection,
    restore: Still,
    silent_max: Duration,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT position FROM partitions WHERE id = ? FOR UPDATE")
        .bind(restore.partition)
        .fetch_optional(&mut *transaction)
        .await?;
    let garbage = "INSERT INTO garbage (application, chat, partition_id) SELECT id, 0, partition_id FROM applications \
                   WHERE id = ? AND restored_at < FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ?";
    let garbage = sqlx::query(garbage)
        .bind(restore.application)
        .bind(millis(silent_max))
        .execute(&mut *transaction)
        .await?;
    if garbage.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    sqlx::query("DELETE FROM applications WHERE id = ?")
        .bind(restore.application)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
