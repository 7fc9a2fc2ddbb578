//! Numbers of chats and messages: each given out once, none left out, rising with positions.

use std::collections::{BTreeMap, BTreeSet};

use super::anomaly::{Anomaly, Findings};
use super::operation::{Operation, Thing};
use super::seen::Seen;
use super::writes::Writes;

/// What has numbers of its own: an application its chats, a chat its messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Series {
    Chats,
    Messages(u64),
}

/// Numbers of one series.
#[derive(Default)]
struct Given<'h> {
    /// Number, position of its create and who asked for it.
    known: Vec<(u64, u64, &'h Operation)>,
    /// The highest that any answer tells of.
    last: u64,
}

pub(super) fn check(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let mut all: BTreeMap<Series, Given<'_>> = BTreeMap::new();
    for (thing, changes) in &writes.changes {
        for created in changes.iter().filter(|change| change.sent.changes().is_none()) {
            let (series, number) = place(*thing);
            let given = all.entry(series).or_default();
            given.known.push((number, created.position, created.operation));
            given.last = given.last.max(number);
        }
    }
    for (thing, observations) in &seen.observations {
        let (series, number) = place(*thing);
        let given = all.entry(series).or_default();
        given.last = given.last.max(number);
        let counted = observations.iter().filter_map(|observation| observation.chat);
        if let Some(last) = counted.map(|chat| chat.last_message_number).max() {
            let messages = all.entry(Series::Messages(number)).or_default();
            messages.last = messages.last.max(last);
        }
    }
    for (series, given) in all {
        check_series(series, given, writes, seen, findings);
    }
}

fn place(thing: Thing) -> (Series, u64) {
    match thing {
        Thing::Chat(number) => (Series::Chats, number),
        Thing::Message { chat, number } => (Series::Messages(chat), number),
    }
}

fn check_series(
    series: Series,
    mut given: Given<'_>,
    writes: &Writes<'_>,
    seen: &Seen<'_>,
    findings: &mut Findings,
) {
    let name = match series {
        Series::Chats => "of the application".to_owned(),
        Series::Messages(chat) => format!("of chat {chat}"),
    };
    given
        .known
        .sort_by_key(|(number, position, _)| (*number, *position));
    for pair in given.known.windows(2) {
        let [(number, position, one), (next, next_position, other)] = pair else {
            continue;
        };
        if number == next {
            findings.add(
                Anomaly::NumberTwice,
                || format!("number {number} {name}"),
                [*one, *other],
            );
        } else if next_position < position {
            let detail =
                || format!("number {number} {name} is at position {position}, {next} at {next_position}");
            findings.add(Anomaly::NumbersOutOfOrder, detail, [*one, *other]);
        }
    }
    let known: BTreeSet<u64> = given.known.iter().map(|(number, _, _)| *number).collect();
    let open: u64 = match series {
        Series::Chats => writes
            .open_chats()
            .filter(|(write, _)| !seen.rules_out(write))
            .count() as u64,
        Series::Messages(chat) => {
            let open = writes
                .open_messages(chat)
                .filter(|(write, _)| !seen.rules_out(write));
            open.map(|(_, bodies)| bodies.len() as u64).sum()
        }
    };
    let missing: Vec<u64> = (1..=given.last)
        .filter(|number| !known.contains(number))
        .collect();
    if missing.len() as u64 > open {
        let detail = || {
            let shown = &missing[..missing.len().min(10)];
            format!(
                "{} numbers {name} ({shown:?}), for {open} creates of unknown outcome",
                missing.len()
            )
        };
        findings.add(Anomaly::NumberMissing, detail, []);
    }
}
