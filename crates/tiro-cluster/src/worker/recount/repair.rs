//! Puts a count right that the rows did not bear out.

use sqlx::{Connection, MySqlConnection, Row};

use super::chunk::{Counts, Difference};
use crate::mysql::pool::Pool;

/// Counts again while nobody writes to the partition, for as long as it takes to read the rows below, and writes what it
/// finds. A last number is only raised: one that was given out is never given out again, also where its row is gone.
pub(crate) async fn repair(pool: &Pool, difference: &Difference) -> Result<(), sqlx::Error> {
    let mut loan = Box::pin(pool.acquire()).await?;
    repair_on(&mut loan, difference).await?;
    loan.give_back();
    Ok(())
}

async fn repair_on(connection: &mut MySqlConnection, difference: &Difference) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT position FROM partitions WHERE id = ? FOR UPDATE")
        .bind(difference.partition)
        .fetch_one(&mut *transaction)
        .await?;
    let Difference {
        application, chat, ..
    } = *difference;
    let Some((stored, counted)) = counts(&mut transaction, difference).await? else {
        return transaction.rollback().await;
    };
    if stored == counted {
        tracing::error!(
            application,
            chat,
            "a count was different in a snapshot, but is not under the lock"
        );
        return transaction.rollback().await;
    }
    tracing::error!(
        application,
        chat,
        ?stored,
        ?counted,
        "a count is not what its rows say and is put right"
    );
    let right = Counts {
        live: counted.live,
        last: counted.last.max(stored.last),
    };
    write(&mut transaction, difference, right).await?;
    transaction.commit().await
}

/// What the row says, and what the rows below say, under the partition's lock. `None` for what was deleted meanwhile.
async fn counts(
    connection: &mut MySqlConnection,
    difference: &Difference,
) -> Result<Option<(Counts, Counts)>, sqlx::Error> {
    let stored = match difference.chat {
        None => sqlx::query(
            "SELECT chats_count, last_chat_number FROM applications \
             WHERE id = ? AND deleted_at IS NULL FOR UPDATE",
        )
        .bind(difference.application),
        Some(chat) => sqlx::query(
            "SELECT messages_count, last_message_number FROM chats \
             WHERE application = ? AND number = ? AND deleted_at IS NULL FOR UPDATE",
        )
        .bind(difference.application)
        .bind(chat),
    };
    let Some(stored) = stored.fetch_optional(&mut *connection).await? else {
        return Ok(None);
    };
    let counted = match difference.chat {
        None => sqlx::query("SELECT COUNT(*), COUNT(deleted_at), MAX(number) FROM chats WHERE application = ?")
            .bind(difference.application),
        Some(chat) => sqlx::query(
            "SELECT COUNT(*), COUNT(deleted_at), MAX(number) FROM messages WHERE application = ? AND chat = ?",
        )
        .bind(difference.application)
        .bind(chat),
    };
    let counted = counted.fetch_one(connection).await?;
    let stored = Counts {
        live: stored.try_get(0)?,
        last: stored.try_get(1)?,
    };
    Ok(Some((stored, Counts::of_rows(&counted, 0)?)))
}

async fn write(
    connection: &mut MySqlConnection,
    difference: &Difference,
    right: Counts,
) -> Result<(), sqlx::Error> {
    let update = match difference.chat {
        None => sqlx::query("UPDATE applications SET chats_count = ?, last_chat_number = ? WHERE id = ?")
            .bind(right.live)
            .bind(right.last)
            .bind(difference.application),
        Some(chat) => sqlx::query(
            "UPDATE chats SET messages_count = ?, last_message_number = ? \
             WHERE application = ? AND number = ? AND deleted_at IS NULL",
        )
        .bind(right.live)
        .bind(right.last)
        .bind(difference.application)
        .bind(chat),
    };
    update.execute(connection).await?;
    Ok(())
}
