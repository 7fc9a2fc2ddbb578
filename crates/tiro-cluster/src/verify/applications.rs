//! One application: its own row, then its feed, its chats and its messages, a bounded chunk a snapshot.

use std::collections::VecDeque;

use sqlx::Row;
use sqlx::mysql::MySqlConnection;
use tiro_core::{Epoch, NumberedList, Token};

use super::chats::ChatWalk;
use super::deleted;
use super::feed::{Feed, Missing};
use super::messages::MessageWalk;
use super::{Findings, Named, Repair, Verifier, VerifyError};

/// A row of `applications`, with what has to be known of it.
pub(super) struct ApplicationRow {
    pub(super) id: u32,
    pub(super) named: Named,
    pub(super) partition: u16,
    pub(super) last_position: u64,
    pub(super) version: u64,
    /// `restoring_last` is set.
    pub(super) is_restoring: bool,
    pub(super) is_deleted: bool,
    /// Garbage names it.
    is_garbage: bool,
    /// Chats may have been deleted.
    has_deleted: bool,
}

const ROW: &str = "SELECT applications.token, restoring, restoring_last, applications.partition_id, epoch, name IS NULL, metadata IS NULL, \
     chats_count, last_chat_number, last_position, deleted_at IS NOT NULL, version, listed, partitions.id, \
     garbage.chat IS NOT NULL, \
     EXISTS(SELECT 1 FROM deleted_counts WHERE deleted_counts.application = applications.id AND deleted_counts.chat = 0), \
     restored_at IS NOT NULL FROM applications LEFT JOIN partitions ON partitions.id = applications.partition_id \
     LEFT JOIN garbage ON garbage.application = applications.id AND garbage.chat = 0 WHERE applications.id = ?";

/// What has to be compared in snapshots of its own.
type Lists = VecDeque<NumberedList>;

impl Verifier<'_> {
    /// Checks all of an application. One that goes away meanwhile is left.
    pub(super) async fn check_application(
        &mut self,
        id: u32,
        missing: &mut Missing,
    ) -> Result<(), VerifyError> {
        let mut walk = Walk::default();
        loop {
            let mut findings = Findings::default();
            let mut snapshot = self.snapshot().await?;
            let row = load(&mut snapshot, id, &mut findings, walk.is_begun).await?;
            let Some(row) = row else { return Ok(()) };
            if row.is_deleted {
                if !walk.is_begun {
                    self.report.applications += 1;
                    check_tombstone(&mut snapshot, &row, &mut findings).await?;
                }
                snapshot.rollback().await?;
                return self.take(findings).await;
            }
            let is_over = self.step(&mut snapshot, &row, &mut walk, &mut findings).await?;
            snapshot.rollback().await?;
            self.take(findings).await?;
            self.check_deleted(&row, &mut walk.lists).await?;
            if self.index.is_full() {
                self.compare_with_index().await?;
            }
            if is_over {
                *missing.entry(row.partition).or_default() += walk.feed.missing;
                if walk.feed.is_cut {
                    let place = row.named.place();
                    self.report.remarks.push(format!(
                        "{place}: so much was changed that not all versions were compared with the changes"
                    ));
                }
                return Ok(());
            }
        }
    }

    /// The next chunk; answers whether it was the last.
    async fn step(
        &mut self,
        snapshot: &mut MySqlConnection,
        row: &ApplicationRow,
        walk: &mut Walk,
        findings: &mut Findings,
    ) -> Result<bool, VerifyError> {
        if !walk.is_begun {
            walk.is_begun = true;
            self.report.applications += 1;
            walk.lists.extend(row.has_deleted.then_some(NumberedList::Chats));
        }
        let before = walk.feed.reached;
        let is_read = walk.feed.advance(snapshot, row, findings).await?;
        self.report.changes += walk.feed.reached - before;
        if !is_read {
            return Ok(false);
        }
        if !walk.chats.is_over {
            let found = walk.chats.step(snapshot, row, &walk.feed, findings).await?;
            self.report.chats += found.chats;
            self.report.markers += found.markers;
            walk.lists.extend(found.with_deleted);
        }
        if !walk.chats.is_over {
            return Ok(false);
        }
        let messages = walk.messages.step(snapshot, row, &walk.feed, findings).await?;
        self.report.messages += messages.count;
        self.index.expect(row.partition, messages.expected);
        Ok(walk.messages.is_over)
    }

    /// Compares the deleted counts of lists, each in a snapshot of its own.
    async fn check_deleted(&mut self, row: &ApplicationRow, lists: &mut Lists) -> Result<(), VerifyError> {
        while let Some(list) = lists.pop_front() {
            let mut snapshot = self.snapshot().await?;
            if !is_live(&mut snapshot, row.id, list).await? {
                snapshot.rollback().await?;
                continue;
            }
            let wrong = deleted::compare(&mut snapshot, row.id, list).await?;
            snapshot.rollback().await?;
            if wrong > 0 {
                let place = match list {
                    NumberedList::Chats => row.named.place(),
                    NumberedList::Messages { chat } => row.named.chat(chat),
                };
                let mut findings = Findings::default();
                findings.repairable(
                    place,
                    format!("{wrong} rows of its deleted counts are not what its tombstones say"),
                    Repair::DeletedCounts {
                        partition: row.partition,
                        application: row.id,
                        list,
                    },
                );
                self.take(findings).await?;
            }
        }
        Ok(())
    }
}

/// How far an application is checked.
#[derive(Default)]
struct Walk {
    is_begun: bool,
    feed: Feed,
    chats: ChatWalk,
    messages: MessageWalk,
    lists: Lists,
}

/// Whether the owner of a list is there and not deleted.
pub(super) async fn is_live(
    connection: &mut MySqlConnection,
    application: u32,
    list: NumberedList,
) -> Result<bool, sqlx::Error> {
    let statement = match list {
        NumberedList::Chats => {
            sqlx::query("SELECT COUNT(*) FROM applications WHERE id = ? AND deleted_at IS NULL")
                .bind(application)
        }
        NumberedList::Messages { chat } => sqlx::query(
            "SELECT COUNT(*) FROM chats JOIN applications ON applications.id = chats.application \
             AND applications.deleted_at IS NULL WHERE application = ? AND number = ? AND chats.deleted_at IS NULL",
        )
        .bind(application)
        .bind(chat),
    };
    Ok(super::number(connection, statement).await? == 1)
}

/// Reads the row, and checks what it says by itself unless that `was_checked`.
async fn load(
    snapshot: &mut MySqlConnection,
    id: u32,
    findings: &mut Findings,
    was_checked: bool,
) -> Result<Option<ApplicationRow>, sqlx::Error> {
    let Some(row) = sqlx::query(ROW).bind(id).fetch_optional(snapshot).await? else {
        return Ok(None);
    };
    let token: Vec<u8> = row.try_get(0)?;
    let (restoring, restoring_last): (u32, Option<u64>) = (row.try_get(1)?, row.try_get(2)?);
    let epoch: Vec<u8> = row.try_get(4)?;
    let is = |at| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(at)? == 1);
    let (chats_count, last_chat): (u64, u64) = (row.try_get(7)?, row.try_get(8)?);
    let application = ApplicationRow {
        id,
        named: Named::new(id, &token),
        partition: row.try_get(3)?,
        last_position: row.try_get(9)?,
        version: row.try_get(11)?,
        is_restoring: restoring_last.is_some(),
        is_deleted: is(10)?,
        is_garbage: is(14)?,
        has_deleted: chats_count != last_chat || is(15)?,
    };
    if was_checked {
        return Ok(Some(application));
    }
    let place = || application.named.place();
    let ascii = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap_or_default();
    findings.check(
        Token::parse(&ascii(&token)).is_ok(),
        place,
        "its token is not 16 to 64 bytes of A-Z a-z 0-9 - _",
    );
    findings.check(
        Epoch::parse(&ascii(&epoch)).is_some(),
        place,
        "its epoch is not 1 to 16 bytes of a-z 2-7",
    );
    findings.check(
        row.try_get::<Option<u16>, _>(13)?.is_some(),
        place,
        "its partition does not exist",
    );
    findings.check(
        restoring == if application.is_restoring { id } else { 0 } && is(16)? == application.is_restoring,
        place,
        "`restoring`, `restoring_last` and `restored_at` do not fit",
    );
    if application.is_deleted {
        findings.check(
            is(5)? && is(6)? && chats_count == 0,
            place,
            "it is deleted and has a name, metadata or chats",
        );
    } else {
        findings.check(application.is_restoring || !is(5)?, place, "it has no name");
        findings.check(
            !application.is_garbage,
            place,
            "it is live and to be removed as garbage",
        );
    }
    let listed = !application.is_deleted && !application.is_restoring;
    if row.try_get::<u8, _>(12)? != u8::from(listed) {
        let repair = Repair::Listed {
            partition: application.partition,
            application: id,
        };
        findings.repairable(place(), "`listed` is not what its state says", repair);
    }
    Ok(Some(application))
}

/// Of a deleted application stay its last change, and its first where a key of the server is bound to it; and all else
/// only while garbage names it.
async fn check_tombstone(
    snapshot: &mut MySqlConnection,
    application: &ApplicationRow,
    findings: &mut Findings,
) -> Result<(), sqlx::Error> {
    let kept =
        "SELECT position, kind, key_scope FROM changes WHERE application = ? ORDER BY position DESC LIMIT 3";
    let kept = sqlx::query(kept)
        .bind(application.id)
        .fetch_all(&mut *snapshot)
        .await?;
    let mut changes = Vec::new();
    for row in &kept {
        let (position, kind): (u64, u8) = (row.try_get(0)?, row.try_get(1)?);
        changes.push((position, kind, row.try_get::<Option<u32>, _>(2)?));
    }
    let place = || application.named.place();
    let last = changes.first().map(|(position, kind, _)| (*position, *kind));
    findings.check(
        last == Some((application.last_position, 3)),
        place,
        "its last change is not the one that deleted it, or is missing",
    );
    let below = "SELECT EXISTS(SELECT 1 FROM chats WHERE application = ?) OR EXISTS(SELECT 1 FROM messages WHERE \
                 application = ?) OR EXISTS(SELECT 1 FROM markers WHERE application = ?) \
                 OR EXISTS(SELECT 1 FROM deleted_counts WHERE application = ?)";
    let below = sqlx::query(below)
        .bind(application.id)
        .bind(application.id)
        .bind(application.id)
        .bind(application.id);
    let has_rows = super::number(snapshot, below).await? == 1;
    let has_changes = changes
        .iter()
        .skip(1)
        .any(|(position, _, scope)| (*position, *scope) != (1, Some(0)));
    if (has_rows || has_changes) && !application.is_garbage {
        let repair = Repair::Garbage {
            partition: application.partition,
            application: application.id,
            chat: 0,
        };
        findings.repairable(
            place(),
            "it is deleted, and rows below it are left that garbage does not name",
            repair,
        );
    }
    Ok(())
}
