//! What the index does not have: the messages that changes above its watermarks created or edited.
//!
//! Deletes need no look: a candidate that was deleted is not confirmed.

use std::fmt::Write;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{ApplicationId, ChangeKind, Cursor, HitPlace, SearchAfter, Timestamp};

use super::index::Proposal;
use super::place::Place;
use super::scope::Scope;
use crate::mysql::rows::{Corrupt, kind_number, token};
use crate::reads::{ReadError, Session, Wanted, number_list};

const PARTITIONS: &str = "SELECT id, position FROM partitions";
const PARTITION: &str = "SELECT id, position FROM partitions WHERE id = ?";

/// Positions asked for in one step of the way to the last change that is indexed.
const PROBES: u64 = 64;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) application: ApplicationId,
    pub(super) chat: u64,
    pub(super) number: u64,
}

/// How many changes would have to be looked at, at most.
pub(super) async fn length(
    session: &mut Session<'_>,
    scope: &Scope,
    proposal: &Proposal,
) -> Result<u64, ReadError> {
    let statement = match scope {
        Scope::Inside { partition, .. } => sqlx::query(PARTITION).bind(*partition),
        Scope::Everything => sqlx::query(PARTITIONS),
    };
    let mut behind = 0_u64;
    session
        .each(statement, |row| {
            let (partition, position): (u16, u64) = (row.try_get(0)?, row.try_get(1)?);
            behind += position.saturating_sub(proposal.watermark(partition));
            Ok(Wanted::More)
        })
        .await?;
    Ok(match scope {
        // Whichever index of the changes has fewer rows for it is read.
        Scope::Inside { application, .. } => behind.min(application.last_position),
        Scope::Everything => behind,
    })
}

/// The messages of the tail behind a place, in no order; one that was created and edited comes twice.
pub(super) async fn messages(
    session: &mut Session<'_>,
    scope: &Scope,
    proposal: &Proposal,
    after: Option<&SearchAfter>,
) -> Result<Vec<(Place, Key)>, ReadError> {
    let mut found = Vec::new();
    for text in statements(session, scope, proposal, after).await? {
        session
            .each_of_text(text, |row| {
                let (place, key) = message(row)?;
                if after.is_none_or(|after| after.precedes(&place)) {
                    found.push((Place::of(scope, &place), key));
                }
                Ok(Wanted::More)
            })
            .await?;
    }
    Ok(found)
}

/// One statement a partition.
async fn statements(
    session: &mut Session<'_>,
    scope: &Scope,
    proposal: &Proposal,
    after: Option<&SearchAfter>,
) -> Result<Vec<String>, ReadError> {
    if let Scope::Inside {
        application,
        partition,
        chat,
    } = scope
    {
        let mut narrowed = format!(" AND changes.application = {}", application.id.0);
        if let Some(chat) = chat {
            write!(narrowed, " AND changes.chat = {chat}").expect("a text takes what is written to it");
        }
        if let Some(SearchAfter::Position(position)) = after {
            write!(narrowed, " AND messages.created_position < {position}")
                .expect("a text takes what is written to it");
        }
        return Ok(vec![of_partition(
            *partition,
            proposal.watermark(*partition),
            &narrowed,
        )]);
    }
    let mut texts = Vec::new();
    session
        .each(sqlx::query(PARTITIONS), |row| {
            let (partition, position): (u16, u64) = (row.try_get(0)?, row.try_get(1)?);
            let watermark = proposal.watermark(partition);
            texts.extend((watermark < position).then(|| of_partition(partition, watermark, "")));
            Ok(Wanted::More)
        })
        .await?;
    Ok(texts)
}

fn of_partition(partition: u16, watermark: u64, narrowed: &str) -> String {
    let kinds = [ChangeKind::MessageCreated, ChangeKind::MessageUpdated].map(kind_number);
    let kinds = number_list(kinds.map(u64::from));
    format!(
        "SELECT changes.application, changes.chat, changes.number, applications.token, messages.created_at, \
         messages.created_position FROM changes FORCE INDEX (PRIMARY, by_partition) \
         STRAIGHT_JOIN applications ON applications.id = changes.application AND applications.restoring = 0 \
         AND applications.deleted_at IS NULL \
         STRAIGHT_JOIN messages ON messages.application = changes.application AND messages.chat = changes.chat \
         AND messages.number = changes.number AND messages.deleted_at IS NULL \
         WHERE changes.partition_id = {partition} AND changes.partition_position > {watermark} \
         AND changes.kind IN ({kinds}){narrowed}"
    )
}

fn message(row: &MySqlRow) -> Result<(HitPlace, Key), ReadError> {
    let key = Key {
        application: ApplicationId(row.try_get(0)?),
        chat: row.try_get(1)?,
        number: row.try_get(2)?,
    };
    let place = HitPlace {
        created_at: Timestamp::from_millis(row.try_get(4)?),
        token: token(row, 3)?,
        position: row.try_get(5)?,
    };
    Ok((place, key))
}

/// The place in the feed up to which the index has every change: the last position whose place in the partition is not
/// above the watermark. Both rise together, so it is found in steps that each leave one of [`PROBES`] parts.
pub(super) async fn searched_through(
    session: &mut Session<'_>,
    scope: &Scope,
    proposal: &Proposal,
) -> Result<Option<Cursor>, ReadError> {
    let Scope::Inside {
        application,
        partition,
        ..
    } = scope
    else {
        return Ok(None);
    };
    let watermark = proposal.watermark(*partition);
    // All up to `indexed` is indexed, and nothing from `open` on.
    let (mut indexed, mut open) = (0, application.last_position + 1);
    while watermark > 0 && open - indexed > 1 {
        let before = (indexed, open);
        let positions = probes(indexed, open);
        let text = format!(
            "SELECT position, partition_position FROM changes WHERE application = {} AND position IN ({}) \
             ORDER BY position",
            application.id.0,
            number_list(positions)
        );
        session
            .each_of_text(text, |row| {
                let (position, place): (u64, u64) = (row.try_get(0)?, row.try_get(1)?);
                if place <= watermark {
                    indexed = indexed.max(position);
                } else {
                    open = open.min(position);
                }
                Ok(Wanted::More)
            })
            .await?;
        if (indexed, open) == before {
            let id = application.id.0;
            return Err(Corrupt(format!("the feed of application {id} has a hole")).into());
        }
    }
    Ok(Some(application.cursor_at(indexed)))
}

/// Positions between two, both left out, at even distances; at least one.
fn probes(indexed: u64, open: u64) -> Vec<u64> {
    let step = (open - indexed).div_ceil(PROBES);
    (1..=PROBES)
        .map(|probe| indexed.saturating_add(probe * step))
        .take_while(|position| *position < open)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_lie_between_and_come_to_an_end() {
        assert_eq!(probes(0, 2), [1]);
        assert_eq!(probes(5, 8), [6, 7]);
        let many = probes(0, 1_000_000);
        assert!(many.len() <= 64 && many.iter().all(|position| (1..1_000_000).contains(position)));
        let (mut indexed, mut open, mut steps) = (0_u64, 1_000_000_000_000_u64, 0);
        while open - indexed > 1 {
            let probes = probes(indexed, open);
            assert!(!probes.is_empty());
            indexed = probes
                .iter()
                .copied()
                .filter(|at| *at <= 777_777)
                .max()
                .unwrap_or(indexed);
            open = probes
                .iter()
                .copied()
                .filter(|at| *at > 777_777)
                .min()
                .unwrap_or(open);
            steps += 1;
        }
        assert_eq!(indexed, 777_777);
        assert!(steps < 10, "{steps}");
    }

    #[test]
    fn the_tail_of_a_partition_is_read_by_its_positions() {
        let text = of_partition(3, 40, " AND changes.application = 7");
        assert!(
            text.ends_with(
                "changes.partition_id = 3 AND changes.partition_position > 40 AND changes.kind IN (7, 8) \
                 AND changes.application = 7"
            ),
            "{text}"
        );
    }
}
