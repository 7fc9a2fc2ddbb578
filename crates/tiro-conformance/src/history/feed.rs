//! Pages of the feed: every position once, in order, and each entry is what was acknowledged there.

use std::collections::BTreeMap;

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::operation::{Operation, Sent, Thing};
use super::shown::{EntriesShown, EntryKind, EntryShown, Shown};
use super::writes::{Change, Writes};

pub(super) fn check(history: &History, writes: &Writes<'_>, findings: &mut Findings) {
    let mut made: BTreeMap<u64, (Thing, &Change<'_>)> = BTreeMap::new();
    for (thing, changes) in &writes.changes {
        made.extend(changes.iter().map(|change| (change.position, (*thing, change))));
    }
    for operation in &history.operations {
        let (Sent::ReadFeed { after, limit }, Some(answer)) = (&operation.sent, operation.answer()) else {
            continue;
        };
        if let (Shown::Entries(page), Some(as_of)) = (&answer.shown, answer.position) {
            check_page(operation, page, (*after, *limit, as_of), findings);
            for entry in &page.items {
                check_entry(operation, entry, &made, findings);
            }
        }
    }
}

fn check_page(
    operation: &Operation,
    page: &EntriesShown,
    (after, limit, as_of): (u64, u64, u64),
    findings: &mut Findings,
) {
    let positions: Vec<u64> = page.items.iter().map(|entry| entry.position).collect();
    let count = positions.len() as u64;
    let end = after + count;
    let in_order = positions.iter().copied().eq(after + 1..=end);
    let ends_well = if page.has_more {
        count > 0 && end < as_of
    } else {
        end >= as_of
    };
    if !in_order || !ends_well || count > limit {
        let detail = || {
            let (first, last) = (positions.first(), positions.last());
            format!(
                "behind {after}, of a feed that ends at {as_of}, it has {count} entries from {first:?} to {last:?}"
            )
        };
        findings.add(Anomaly::FeedIncomplete, detail, [operation]);
    }
}

fn check_entry(
    operation: &Operation,
    entry: &EntryShown,
    made: &BTreeMap<u64, (Thing, &Change<'_>)>,
    findings: &mut Findings,
) {
    let Some((thing, change)) = made.get(&entry.position) else {
        return;
    };
    let kind = if change.is_create() {
        EntryKind::Created
    } else if change.is_delete() {
        EntryKind::Deleted
    } else {
        EntryKind::Updated
    };
    let of = match *thing {
        Thing::Chat(chat) => (Some(chat), None),
        Thing::Message { chat, number } => (Some(chat), Some(number)),
    };
    let same_version = change.version.is_none_or(|version| version == entry.version);
    if (kind, of) != (entry.kind, (entry.chat, entry.number)) || !same_version {
        let detail = || {
            format!(
                "{kind:?} of {thing}, version {:?}, is shown as {entry:?}",
                change.version
            )
        };
        findings.add(Anomaly::FeedDiffers, detail, [change.operation, operation]);
    }
}
