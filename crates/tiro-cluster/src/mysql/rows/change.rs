//! Rows of `changes`: the feed, and the keys that are bound to its entries.

use std::sync::Arc;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{
    Action, ApplicationId, Change, ChangeKind, Fingerprint, IdempotencyKey, KeyBinding, KeyName, Namespace,
    ReaderName, Subject,
};

use super::{Corrupt, text, time, time_or_none};

/// Of `changes`.
pub(crate) const CHANGE_COLUMNS: &str = "changes.application, changes.position, changes.partition_position, changes.at, \
     changes.kind, changes.chat, changes.number, changes.reader, changes.version, changes.key_namespace, \
     changes.key_name, changes.key_fingerprint, changes.key_created_at";
/// How many columns [`CHANGE_COLUMNS`] has.
pub(crate) const CHANGE_COLUMNS_COUNT: usize = 13;

/// A change with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredChange {
    pub(crate) application: ApplicationId,
    /// Its place among the changes of its partition.
    pub(crate) partition_position: u64,
    pub(crate) change: Change,
}

/// The change in the columns from `at` on.
pub(crate) fn change(row: &MySqlRow, at: usize) -> Result<StoredChange, Corrupt> {
    let (subject, action) = subject(row, at)?;
    let change = Change {
        position: row.try_get(at + 1)?,
        at: time(row, at + 3)?,
        subject,
        action,
        version: row.try_get(at + 8)?,
        key: key(row, at + 9)?.map(Arc::new),
    };
    Ok(StoredChange {
        application: ApplicationId(row.try_get(at)?),
        partition_position: row.try_get(at + 2)?,
        change,
    })
}

/// The number that stands for a kind of change in `changes.kind`.
pub(crate) fn kind_number(kind: ChangeKind) -> u8 {
    match kind {
        ChangeKind::ApplicationCreated => 1,
        ChangeKind::ApplicationUpdated => 2,
        ChangeKind::ApplicationDeleted => 3,
        ChangeKind::ChatCreated => 4,
        ChangeKind::ChatUpdated => 5,
        ChangeKind::ChatDeleted => 6,
        ChangeKind::MessageCreated => 7,
        ChangeKind::MessageUpdated => 8,
        ChangeKind::MessageDeleted => 9,
        ChangeKind::ReaderUpdated => 10,
    }
}

fn subject(row: &MySqlRow, at: usize) -> Result<(Subject, Action), Corrupt> {
    let kind: u8 = row.try_get(at + 4)?;
    let action = match kind {
        1 | 4 | 7 => Action::Created,
        2 | 5 | 8 | 10 => Action::Updated,
        3 | 6 | 9 => Action::Deleted,
        _ => return Err(Corrupt(format!("a change is of the unknown kind {kind}"))),
    };
    let chat = || row.try_get::<u64, _>(at + 5);
    let subject = match kind {
        1..=3 => Subject::Application,
        4..=6 => Subject::Chat { chat: chat()? },
        7..=9 => Subject::Message {
            chat: chat()?,
            number: row.try_get(at + 6)?,
        },
        _ => {
            let reader = text(row, at + 7)?;
            let reader = reader.ok_or_else(|| Corrupt("a reader's change names none".to_owned()))?;
            Subject::Reader {
                chat: chat()?,
                reader: ReaderName::stored(&reader),
            }
        }
    };
    Ok((subject, action))
}

fn key(row: &MySqlRow, at: usize) -> Result<Option<KeyBinding>, Corrupt> {
    let Some(namespace) = row.try_get::<Option<u8>, _>(at)? else {
        return Ok(None);
    };
    let namespace = match namespace {
        0 => Namespace::Server,
        1 => Namespace::Application,
        2 => Namespace::Import,
        other => return Err(Corrupt(format!("a key is of the unknown namespace {other}"))),
    };
    let key = text(row, at + 1)?.ok_or_else(|| Corrupt("a key has no name".to_owned()))?;
    let fingerprint: Vec<u8> = row.try_get(at + 2)?;
    let fingerprint = fingerprint
        .try_into()
        .map_err(|_| Corrupt("a fingerprint has another length".to_owned()))?;
    Ok(Some(KeyBinding {
        name: KeyName {
            namespace,
            key: IdempotencyKey::stored(&key),
        },
        fingerprint: Fingerprint(fingerprint),
        created_at: time_or_none(row, at + 3)?,
    }))
}
