//! Deleted things whose rows are gone and whose documents are yet to leave the search index: remembered until they have, so
//! that an index that is away is cleared later.

use sqlx::{AssertSqlSafe, Row};

use super::pool::Pool;
use super::script::Script;

/// Most things of one look.
const THINGS_MAX: u64 = 500;

/// A deleted chat, or with chat 0 an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) position: u64,
    pub(crate) application: u32,
    pub(crate) chat: u64,
}

/// Partitions of which there are some.
pub(crate) async fn partitions(pool: &Pool) -> Result<Vec<u16>, sqlx::Error> {
    let some = "SELECT id FROM partitions \
                WHERE EXISTS (SELECT 1 FROM index_garbage WHERE index_garbage.partition_id = partitions.id) ORDER BY id";
    Box::pin(sqlx::query_scalar(some).fetch_all(pool)).await
}

/// Those of a partition that is indexed so far whose documents nobody writes any more: the oldest 500 at most.
pub(crate) async fn indexed_through(
    pool: &Pool,
    partition: u16,
    position: u64,
) -> Result<Vec<Thing>, sqlx::Error> {
    let oldest = "SELECT position, application, chat FROM index_garbage WHERE partition_id = ? AND position <= ? \
                  ORDER BY position, application, chat LIMIT ?";
    let oldest = sqlx::query(oldest)
        .bind(partition)
        .bind(position)
        .bind(THINGS_MAX);
    let rows = Box::pin(oldest.fetch_all(pool)).await?;
    let thing = |row: &sqlx::mysql::MySqlRow| {
        Ok(Thing {
            position: row.try_get(0)?,
            application: row.try_get(1)?,
            chat: row.try_get(2)?,
        })
    };
    rows.iter().map(thing).collect()
}

/// They are out of the index. Some at least.
pub(crate) async fn forget(pool: &Pool, partition: u16, things: &[Thing]) -> Result<(), sqlx::Error> {
    let mut script = Script::default();
    script
        .sql("DELETE FROM index_garbage WHERE partition_id = ")
        .cell(partition);
    // Not `(…) IN (…)`: MariaDB deletes by that without an index.
    for (index, thing) in things.iter().enumerate() {
        script.sql(if index == 0 {
            " AND ((position = "
        } else {
            " OR (position = "
        });
        script.cell(thing.position).sql(" AND application = ");
        script.cell(thing.application).sql(" AND chat = ");
        script.cell(thing.chat).sql(")");
    }
    script.sql(")");
    let statement = AssertSqlSafe(script.into_packets().concat());
    Box::pin(sqlx::raw_sql(statement).execute(pool)).await?;
    Ok(())
}
