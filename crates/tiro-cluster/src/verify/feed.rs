//! The changes of one live application, from its first: positions without a hole, versions that rise by one.
//!
//! What was changed more than once is remembered with its version, so that rows can be held to it; before a chunk of
//! rows is read, the feed is read on to the end that it has in the same snapshot.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::applications::ApplicationRow;
use super::findings::Findings;

/// Most changes of one snapshot.
const CHANGES_MAX: usize = 5_000;
/// Most things of one application whose versions are remembered.
const THINGS_MAX: usize = 500_000;

/// How many changes of live applications are missing, by partition.
pub(super) type Missing = HashMap<u16, u64>;

/// What a change is of. A reader is known by a hash of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing {
    Chat(u64),
    Message(u64, u64),
    Reader(u64, u64),
}

/// The last change of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) version: u64,
    pub(super) partition_position: u64,
}

/// What is known of a feed.
#[derive(Default)]
pub(super) struct Feed {
    /// All up to here was looked at.
    pub(super) reached: u64,
    pub(super) version: u64,
    pub(super) missing: u64,
    last_chat: u64,
    partition_position: u64,
    /// Its end was held to the application's row once; what is wrong there is not said again.
    is_told: bool,
    /// Of those whose version is not 1, and of all readers.
    things: HashMap<Thing, Last>,
    /// There were too many of them.
    pub(super) is_cut: bool,
}

/// A row of `changes`, with what does not matter here left out.
struct ChangeRow {
    position: u64,
    partition: u16,
    partition_position: u64,
    kind: u8,
    chat: Option<u64>,
    number: Option<u64>,
    reader: Option<u64>,
    version: u64,
    scope: Option<u32>,
    namespace: Option<u8>,
    key_is_whole: bool,
}

const COLUMNS: &str = "SELECT position, partition_id, partition_position, kind, chat, number, reader, version, key_scope, \
     key_namespace, key_name IS NULL AND key_fingerprint IS NULL, key_name IS NOT NULL AND LENGTH(key_fingerprint) = 32 \
     FROM changes WHERE application = ? AND position > ? ORDER BY position LIMIT ?";

impl Feed {
    /// Reads on; answers whether that was all.
    pub(super) async fn advance(
        &mut self,
        snapshot: &mut MySqlConnection,
        application: &ApplicationRow,
        findings: &mut Findings,
    ) -> Result<bool, sqlx::Error> {
        let rows = sqlx::query(COLUMNS)
            .bind(application.id)
            .bind(self.reached)
            .bind(i64::try_from(CHANGES_MAX).unwrap_or(i64::MAX))
            .fetch_all(&mut *snapshot)
            .await?;
        for row in &rows {
            let change = read(row)?;
            self.check_place(&change, application, findings);
            self.check_thing(&change, application, findings);
            if check_key(&change, application, findings) == Binding::HeldBack {
                check_other_binds(snapshot, application, findings).await?;
            }
        }
        if rows.len() == CHANGES_MAX {
            return Ok(false);
        }
        self.check_end(application, findings);
        Ok(true)
    }

    fn check_place(&mut self, change: &ChangeRow, application: &ApplicationRow, findings: &mut Findings) {
        if change.position > self.reached + 1 {
            self.hole(change.position - 1, application, findings);
        }
        let place = || application.named.change(change.position);
        findings.check(
            change.partition == application.partition,
            place,
            "it is in another partition than its application",
        );
        findings.check(
            change.partition_position > self.partition_position,
            place,
            "its position in the partition is not above that of the change before it",
        );
        self.reached = change.position;
        self.partition_position = self.partition_position.max(change.partition_position);
    }

    fn hole(&mut self, last: u64, application: &ApplicationRow, findings: &mut Findings) {
        self.missing += last - self.reached;
        findings.hole(application.named.place(), "change", self.reached + 1, last);
    }

    fn check_end(&mut self, application: &ApplicationRow, findings: &mut Findings) {
        let last = application.last_position;
        if self.reached < last {
            self.hole(last, application, findings);
            self.reached = last;
        } else if self.reached > last && !self.is_told {
            let problem = format!("last_position is {last}, its last change is {}", self.reached);
            findings.add(application.named.place(), problem);
        }
        if self.version != application.version && self.missing == 0 && !self.is_told {
            let problem = format!(
                "its version is {}, its changes say {}",
                application.version, self.version
            );
            findings.add(application.named.place(), problem);
        }
        self.is_told = true;
    }

    fn check_thing(&mut self, change: &ChangeRow, application: &ApplicationRow, findings: &mut Findings) {
        let place = || application.named.change(change.position);
        findings.check(
            (change.kind == 1) == (change.position == 1),
            place,
            "the first change of an application creates it, and only that",
        );
        let thing = match (change.kind, change.chat, change.number, change.reader) {
            (1..=3, None, None, None) => {
                if change.version != self.version + 1 {
                    findings.add(place(), not_next(change.version, self.version));
                }
                self.version = change.version;
                return;
            }
            (4..=6, Some(chat), None, None) => Thing::Chat(chat),
            (7..=9, Some(chat), Some(number), None) => Thing::Message(chat, number),
            (10, Some(chat), None, Some(reader)) => Thing::Reader(chat, reader),
            _ => return findings.add(place(), "its kind and what it names do not fit"),
        };
        if change.kind == 4 {
            let number = change.chat.unwrap_or(0);
            let expected = self.last_chat + 1;
            if number != expected {
                findings.add(
                    place(),
                    format!("it creates chat {number}, the next is {expected}"),
                );
            }
            self.last_chat = self.last_chat.max(number);
        }
        let before = match change.kind {
            4 | 7 => Some(0),
            _ => self.version_before(thing),
        };
        if let Some(before) = before.filter(|before| change.version != before + 1) {
            findings.add(place(), not_next(change.version, before));
        }
        self.remember(thing, change);
    }

    fn version_before(&self, thing: Thing) -> Option<u64> {
        let first = match thing {
            Thing::Reader(..) => 0,
            Thing::Chat(_) | Thing::Message(..) => 1,
        };
        let known = self.things.get(&thing).map(|last| last.version);
        known.or((!self.is_cut).then_some(first))
    }

    fn remember(&mut self, thing: Thing, change: &ChangeRow) {
        if change.version == 1 && !matches!(thing, Thing::Reader(..)) {
            return;
        }
        if self.things.len() >= THINGS_MAX && !self.things.contains_key(&thing) {
            self.is_cut = true;
            return;
        }
        let last = Last {
            version: change.version,
            partition_position: change.partition_position,
        };
        self.things.insert(thing, last);
    }

    /// The version that the changes of a chat lead to; `None` where that was forgotten.
    pub(super) fn chat(&self, chat: u64) -> Option<u64> {
        self.version_before(Thing::Chat(chat))
    }

    /// The last change of a message that was created in `created_at` of its partition; `None` where that was forgotten.
    pub(super) fn message(&self, chat: u64, number: u64, created_at: u64) -> Option<Last> {
        let created = Last {
            version: 1,
            partition_position: created_at,
        };
        let known = self.things.get(&Thing::Message(chat, number)).copied();
        known.or((!self.is_cut).then_some(created))
    }
}

fn not_next(version: u64, before: u64) -> String {
    format!("it makes version {version}, the one before is {before}")
}

/// How a key stands with its change.
#[derive(PartialEq, Eq)]
enum Binding {
    Plain,
    /// A key of the server that is bound elsewhere, or not yet.
    HeldBack,
}

fn check_key(change: &ChangeRow, application: &ApplicationRow, findings: &mut Findings) -> Binding {
    let right = match (change.namespace, change.scope) {
        (None, None) => change.key_is_whole,
        (Some(0), Some(0)) => change.key_is_whole && change.position == 1 && !application.is_restoring,
        (Some(0), None) => change.key_is_whole && change.position == 1,
        (Some(1 | 2), Some(scope)) => change.key_is_whole && scope == application.id,
        _ => false,
    };
    findings.check(
        right,
        || application.named.change(change.position),
        "its key is not one of this application and kind",
    );
    if right && change.namespace == Some(0) && change.scope.is_none() && !application.is_restoring {
        Binding::HeldBack
    } else {
        Binding::Plain
    }
}

/// A restored application leaves its server's key to whoever bound it meanwhile.
async fn check_other_binds(
    snapshot: &mut MySqlConnection,
    application: &ApplicationRow,
    findings: &mut Findings,
) -> Result<(), sqlx::Error> {
    let others = "SELECT COUNT(*) FROM changes AS own JOIN changes AS other ON other.key_scope = 0 \
                  AND other.key_namespace = 0 AND other.key_name = own.key_name \
                  WHERE own.application = ? AND own.position = 1";
    let others = super::number(snapshot, sqlx::query(others).bind(application.id)).await?;
    findings.check(
        others > 0,
        || application.named.change(1),
        "its key of the server is bound to nothing",
    );
    Ok(())
}

fn read(row: &MySqlRow) -> Result<ChangeRow, sqlx::Error> {
    let namespace: Option<u8> = row.try_get(9)?;
    let whole_at = if namespace.is_none() { 10 } else { 11 };
    let reader: Option<Vec<u8>> = row.try_get(6)?;
    Ok(ChangeRow {
        position: row.try_get(0)?,
        partition: row.try_get(1)?,
        partition_position: row.try_get(2)?,
        kind: row.try_get(3)?,
        chat: row.try_get(4)?,
        number: row.try_get(5)?,
        reader: reader.map(|name| hash(&name)),
        version: row.try_get(7)?,
        scope: row.try_get(8)?,
        namespace,
        key_is_whole: row.try_get::<Option<i64>, _>(whole_at)? == Some(1),
    })
}

fn hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish()
}
