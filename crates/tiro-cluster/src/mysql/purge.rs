//! Removing what lies below deleted chats and applications, a bounded number of rows at a time.
//!
//! Nobody sees these rows any more: what is above them is a tombstone, or gone. Of a deleted application three things
//! stay: its row, its last change (which ends streams, and is what an export has of it), and the first change where a key
//! of the server is bound to it. Any number of workers may do this at once. That rows are gone is noted for those who take
//! the documents out of the search index (`index_garbage`).

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use tiro_core::Timestamp;

use super::pool::Pool;
use super::refused::REFUSED_KEPT_MS;
use super::script::Script;

/// Rows that one statement removes at most: it is its own transaction.
const ROWS_MAX: u64 = 1_000;
/// For how long it can be found out whether a transaction was carried out, in milliseconds: far longer than anybody asks.
const TRANSACTIONS_KEPT_MS: i64 = 3_600_000;

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Rows that were removed.
    pub rows: u64,
    /// Whether there may be more to remove.
    pub more: bool,
}

/// One round: something of the first thing that is to be removed, and transactions and rejections of long ago.
///
/// # Errors
/// What MySQL said; what was removed before stays removed.
pub async fn round(pool: &Pool, now: Timestamp) -> Result<Purged, sqlx::Error> {
    let mut loan = Box::pin(pool.acquire()).await?;
    let purged = round_on(&mut loan, now).await?;
    loan.give_back();
    Ok(purged)
}

async fn round_on(connection: &mut MySqlConnection, now: Timestamp) -> Result<Purged, sqlx::Error> {
    let before = Timestamp::from_millis(now.as_millis() - TRANSACTIONS_KEPT_MS);
    let mut script = Script::default();
    script.sql("DELETE FROM transactions WHERE at < ").cell(before);
    let mut old = delete(connection, script).await?;
    let before = Timestamp::from_millis(now.as_millis() - REFUSED_KEPT_MS);
    let mut script = Script::default();
    script
        .sql("DELETE FROM refused_operations WHERE at < ")
        .cell(before);
    old += delete(connection, script).await?;
    let garbage = sqlx::raw_sql("SELECT application, chat FROM garbage ORDER BY application, chat LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let Some(garbage) = garbage else {
        return Ok(Purged {
            rows: old,
            more: old >= ROWS_MAX,
        });
    };
    let (application, chat) = (garbage.try_get(0)?, garbage.try_get(1)?);
    let removed = below(connection, application, chat).await?;
    if removed == 0 {
        hand_over(connection, application, chat).await?;
    }
    Ok(Purged {
        rows: old + removed,
        more: true,
    })
}

/// The rows are gone: what is left is to be taken out of the search index. Whoever removes the row of `garbage` notes that.
async fn hand_over(connection: &mut MySqlConnection, application: u32, chat: u64) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let place = "SELECT garbage.partition_id, partitions.position FROM garbage \
                 LEFT JOIN partitions ON partitions.id = garbage.partition_id \
                 WHERE garbage.application = ? AND garbage.chat = ?";
    let place = sqlx::query(place).bind(application).bind(chat);
    let Some(place) = place.fetch_optional(&mut *transaction).await? else {
        return transaction.rollback().await;
    };
    let (partition, position): (u16, Option<u64>) = (place.try_get(0)?, place.try_get(1)?);
    let garbage = sqlx::query("DELETE FROM garbage WHERE application = ? AND chat = ?");
    let garbage = garbage.bind(application).bind(chat);
    let is_ours = garbage.execute(&mut *transaction).await?.rows_affected() == 1;
    // A partition that does not exist is in no index.
    if let (true, Some(position)) = (is_ours, position) {
        sqlx::query(
            "INSERT INTO index_garbage (partition_id, position, application, chat) VALUES (?, ?, ?, ?)",
        )
        .bind(partition)
        .bind(position)
        .bind(application)
        .bind(chat)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// Removes rows below a chat, or with chat 0 an application; 0 only if none are left.
async fn below(connection: &mut MySqlConnection, application: u32, chat: u64) -> Result<u64, sqlx::Error> {
    let tables = [
        "DELETE FROM messages WHERE application = ",
        "DELETE FROM markers WHERE application = ",
        "DELETE FROM deleted_counts WHERE application = ",
    ];
    for table in tables {
        let mut script = Script::default();
        script.sql(table).cell(application);
        if chat != 0 {
            script.sql(" AND chat = ").cell(chat);
        }
        let removed = delete(connection, script).await?;
        if removed > 0 {
            return Ok(removed);
        }
    }
    if chat == 0 {
        of_application(connection, application).await
    } else {
        Ok(0)
    }
}

async fn of_application(connection: &mut MySqlConnection, application: u32) -> Result<u64, sqlx::Error> {
    let mut script = Script::default();
    script
        .sql("DELETE FROM chats WHERE application = ")
        .cell(application);
    let removed = delete(connection, script).await?;
    if removed > 0 {
        return Ok(removed);
    }
    let tombstone = sqlx::query("SELECT last_position FROM applications WHERE id = ?")
        .bind(application)
        .fetch_optional(&mut *connection)
        .await?;
    let mut script = Script::default();
    script
        .sql("DELETE FROM changes WHERE application = ")
        .cell(application);
    if let Some(tombstone) = tombstone {
        let last: u64 = tombstone.try_get(0)?;
        script.sql(" AND position < ").cell(last);
        script.sql(" AND (position > 1 OR key_scope IS NULL OR key_scope > 0)");
    }
    delete(connection, script).await
}

async fn delete(connection: &mut MySqlConnection, mut script: Script) -> Result<u64, sqlx::Error> {
    script.sql(" LIMIT ").cell(ROWS_MAX);
    let statement = AssertSqlSafe(script.into_packets().concat());
    let done = sqlx::raw_sql(statement).execute(connection).await?;
    Ok(done.rows_affected())
}
