//! One chunk of the recount: what the rows say, and what the counts say, in one snapshot.

use std::collections::HashMap;

use sqlx::mysql::MySqlRow;
use sqlx::{Connection, MySqlConnection, Row};

use super::Place;
use crate::mysql::pool::Pool;

const APPLICATIONS_MAX: usize = 200;
const CHATS_MAX: usize = 500;
/// A chunk ends behind the chat that reaches it, so it has one such chat at most.
const MESSAGES_ABOUT: u64 = 200_000;

/// What was compared.
pub(crate) struct Chunk {
    pub(crate) chats: usize,
    pub(crate) applications: usize,
    pub(crate) differences: Vec<Difference>,
    /// Where the next one begins; `None` when this was the last one.
    pub(crate) through: Option<Place>,
}

/// A count that the rows did not bear out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) partition: u16,
    pub(crate) application: u32,
    /// `None` where the application's own counts are meant.
    pub(crate) chat: Option<u64>,
    /// What the counts say.
    pub(crate) stored: Counts,
    /// What the rows say.
    pub(crate) counted: Counts,
}

/// How many live things there are below something, and the number of the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) live: u64,
    pub(crate) last: u64,
}

impl Counts {
    /// From the columns `COUNT(*)`, `COUNT(deleted_at)` and `MAX(number)` from `at` on.
    pub(super) fn of_rows(row: &MySqlRow, at: usize) -> Result<Counts, sqlx::Error> {
        let (all, deleted): (i64, i64) = (row.try_get(at)?, row.try_get(at + 1)?);
        Ok(Counts {
            live: (all - deleted).unsigned_abs(),
            last: row.try_get::<Option<u64>, _>(at + 2)?.unwrap_or(0),
        })
    }
}

struct ApplicationRow {
    id: u32,
    partition: u16,
    counts: Counts,
    /// It is neither deleted nor being restored.
    compared: bool,
}

struct ChatRow {
    place: Place,
    counts: Counts,
    deleted: bool,
}

/// Reads what follows on `place`.
pub(crate) async fn read(pool: &Pool, place: Place) -> Result<Chunk, sqlx::Error> {
    let mut loan = Box::pin(pool.acquire()).await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *loan)
        .await?;
    let mut snapshot = loan
        .begin_with("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        .await?;
    let chunk = compare(&mut snapshot, place).await?;
    snapshot.commit().await?;
    loan.give_back();
    Ok(chunk)
}

async fn compare(connection: &mut MySqlConnection, place: Place) -> Result<Chunk, sqlx::Error> {
    let applications = applications(connection, place).await?;
    let Some(last) = applications.last().map(|application| application.id) else {
        return Ok(Chunk {
            chats: 0,
            applications: 0,
            differences: Vec::new(),
            through: None,
        });
    };
    let (chats, whole) = chats(connection, place, last).await?;
    let through = match chats.last() {
        Some(chat) if !whole => Some(chat.place),
        _ if applications.len() == APPLICATIONS_MAX => Some(Place {
            application: last,
            chat: u64::MAX,
        }),
        _ => None,
    };
    let end = if whole {
        last
    } else {
        through.map_or(last, |place| place.application)
    };
    let mut chunk = Chunk {
        chats: 0,
        applications: 0,
        differences: Vec::new(),
        through,
    };
    for application in applications
        .iter()
        .filter(|application| application.compared && application.id <= end)
    {
        compare_application(connection, application, place, &mut chunk).await?;
        let below: Vec<&ChatRow> = chats
            .iter()
            .filter(|chat| chat.place.application == application.id)
            .collect();
        compare_chats(connection, application, &below, &mut chunk).await?;
    }
    Ok(chunk)
}

async fn compare_application(
    connection: &mut MySqlConnection,
    application: &ApplicationRow,
    place: Place,
    chunk: &mut Chunk,
) -> Result<(), sqlx::Error> {
    // The chunk that reached it first has compared it.
    if application.id == place.application {
        return Ok(());
    }
    chunk.applications += 1;
    let row = sqlx::query("SELECT COUNT(*), COUNT(deleted_at), MAX(number) FROM chats WHERE application = ?")
        .bind(application.id)
        .fetch_one(connection)
        .await?;
    let counted = Counts::of_rows(&row, 0)?;
    if counted != application.counts {
        chunk.differences.push(Difference {
            partition: application.partition,
            application: application.id,
            chat: None,
            stored: application.counts,
            counted,
        });
    }
    Ok(())
}

async fn compare_chats(
    connection: &mut MySqlConnection,
    application: &ApplicationRow,
    chats: &[&ChatRow],
    chunk: &mut Chunk,
) -> Result<(), sqlx::Error> {
    let (Some(first), Some(last)) = (chats.first(), chats.last()) else {
        return Ok(());
    };
    let rows = sqlx::query(
        "SELECT chat, COUNT(*), COUNT(deleted_at), MAX(number) FROM messages \
         WHERE application = ? AND chat BETWEEN ? AND ? GROUP BY chat",
    )
    .bind(application.id)
    .bind(first.place.chat)
    .bind(last.place.chat)
    .fetch_all(connection)
    .await?;
    let mut counted = HashMap::new();
    for row in &rows {
        counted.insert(row.try_get::<u64, _>(0)?, Counts::of_rows(row, 1)?);
    }
    for chat in chats.iter().filter(|chat| !chat.deleted) {
        chunk.chats += 1;
        let counted = counted.get(&chat.place.chat).copied().unwrap_or_default();
        if counted != chat.counts {
            chunk.differences.push(Difference {
                partition: application.partition,
                application: application.id,
                chat: Some(chat.place.chat),
                stored: chat.counts,
                counted,
            });
        }
    }
    Ok(())
}

async fn applications(
    connection: &mut MySqlConnection,
    place: Place,
) -> Result<Vec<ApplicationRow>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, partition_id, chats_count, last_chat_number, deleted_at IS NULL AND restoring_last IS NULL \
         FROM applications WHERE id >= ? ORDER BY id LIMIT ?",
    )
    .bind(place.application)
    .bind(i64::try_from(APPLICATIONS_MAX).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ApplicationRow {
                id: row.try_get(0)?,
                partition: row.try_get(1)?,
                counts: Counts {
                    live: row.try_get(2)?,
                    last: row.try_get(3)?,
                },
                compared: row.try_get::<i64, _>(4)? == 1,
            })
        })
        .collect()
}

/// The next chats of applications up to `last`, and whether those are all.
async fn chats(
    connection: &mut MySqlConnection,
    place: Place,
    last: u32,
) -> Result<(Vec<ChatRow>, bool), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT application, number, messages_count, last_message_number, deleted_at IS NOT NULL FROM chats \
         WHERE (application = ? AND number > ?) OR (application > ? AND application <= ?) \
         ORDER BY application, number LIMIT ?",
    )
    .bind(place.application)
    .bind(place.chat)
    .bind(place.application)
    .bind(last)
    .bind(i64::try_from(CHATS_MAX).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let mut chats = Vec::new();
    let mut messages = 0;
    for row in &rows {
        let counts = Counts {
            live: row.try_get(2)?,
            last: row.try_get(3)?,
        };
        chats.push(ChatRow {
            place: Place {
                application: row.try_get(0)?,
                chat: row.try_get(1)?,
            },
            counts,
            deleted: row.try_get::<i64, _>(4)? == 1,
        });
        messages += counts.last;
        if messages >= MESSAGES_ABOUT {
            break;
        }
    }
    let whole = chats.len() == rows.len() && rows.len() < CHATS_MAX;
    Ok((chats, whole))
}
