//! One chunk: the next change rows of a partition, and the messages that they touched as they are now.
//!
//! One statement, so one state. That a message may be newer than the change that names it is fine: its later changes
//! come in a later chunk and find the index has it.

use std::collections::HashSet;
use std::sync::LazyLock;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Row};
use tiro_core::Token;

use crate::mysql::pool::Pool;
use crate::mysql::rows::{self, MESSAGE_COLUMNS, StoredMessage};

use super::IndexerError;

/// Most change rows of a chunk.
const CHANGES_MAX: usize = 2_000;
/// Bytes of texts after which a chunk ends.
const BYTES_MAX: usize = 8 << 20;

/// A message to be indexed.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) message: StoredMessage,
    pub(super) token: Token,
}

/// What follows a watermark.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Each once.
    pub(super) touched: Vec<Touched>,
    /// The watermark when they are stored; above the one before.
    pub(super) through: u64,
}

/// Where the columns of a message begin.
const MESSAGE_AT: usize = 5;

/// The messages of other changes are not joined. Rows of what was removed for good are gone, so positions have holes.
static CHANGES_AFTER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT changes.partition_position, changes.application, changes.chat, changes.number, applications.token, \
         {MESSAGE_COLUMNS} FROM changes \
         LEFT JOIN applications ON applications.id = changes.application \
         LEFT JOIN messages ON changes.kind BETWEEN 7 AND 9 AND messages.application = applications.id \
         AND messages.chat = changes.chat AND messages.number = changes.number \
         WHERE changes.partition_id = ? AND changes.partition_position > ? AND changes.partition_position <= ? \
         ORDER BY changes.partition_position LIMIT {CHANGES_MAX}"
    )
});

impl Chunk {
    /// Reads what lies after `after`, at most up to `through`, which is committed.
    pub(super) async fn read(
        pool: &Pool,
        partition: u16,
        after: u64,
        through: u64,
    ) -> Result<Chunk, IndexerError> {
        let mut loan = Box::pin(pool.acquire()).await?;
        let mut found = sqlx::query(AssertSqlSafe(CHANGES_AFTER.as_str()))
            .bind(partition)
            .bind(after)
            .bind(through)
            .fetch(&mut *loan);
        let (mut touched, mut seen) = (Vec::new(), HashSet::new());
        let (mut changes, mut bytes, mut reached) = (0, 0, after);
        while let Some(row) = found.try_next().await? {
            changes += 1;
            reached = row.try_get(0)?;
            if let Some(message) = rows::message(&row, MESSAGE_AT)?
                && seen.insert((message.application, message.chat, message.message.number))
            {
                bytes += message.message.bytes();
                let token = rows::token(&row, MESSAGE_AT - 1)?;
                touched.push(Touched { message, token });
            }
            if bytes >= BYTES_MAX {
                break;
            }
        }
        drop(found);
        loan.give_back();
        let is_all = changes < CHANGES_MAX && bytes < BYTES_MAX;
        let through = if is_all { through } else { reached };
        Ok(Chunk { touched, through })
    }
}
