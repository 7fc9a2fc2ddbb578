//! Counts: what a chat says of its messages, and an application of its chats, as of a position.

use std::collections::BTreeMap;

use super::anomaly::{Anomaly, Findings};
use super::operation::{Operation, Thing};
use super::seen::{Observation, Seen};
use super::shown::Shown;
use super::writes::Writes;

/// Creates and deletes of one chat's messages, or of an application's chats, by position.
#[derive(Default)]
pub(super) struct Tally<'h> {
    /// Position, number, who.
    created: Vec<(u64, u64, &'h Operation)>,
    deleted: Vec<u64>,
    /// Deletes of unknown outcome.
    open_deleted: u64,
}

pub(super) fn check(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let tallies = Tally::of_chats(writes);
    let empty = Tally::default();
    for (thing, observations) in &seen.observations {
        if let Thing::Chat(chat) = thing {
            let tally = tallies.get(chat).unwrap_or(&empty);
            for observation in observations {
                check_chat(writes, *chat, tally, observation, findings);
            }
        }
    }
    check_application(writes, seen, findings);
}

impl<'h> Tally<'h> {
    pub(super) fn of_chats(writes: &'h Writes<'_>) -> BTreeMap<u64, Tally<'h>> {
        let mut tallies: BTreeMap<u64, Tally<'h>> = BTreeMap::new();
        for (thing, changes) in &writes.changes {
            if let Thing::Message { chat, number } = thing {
                let tally = tallies.entry(*chat).or_default();
                for change in changes {
                    tally.note(*number, change);
                }
            }
        }
        for write in &writes.open {
            if let (true, Some(Thing::Message { chat, .. })) = (write.sent.is_delete(), write.sent.changes())
            {
                tallies.entry(chat).or_default().open_deleted += 1;
            }
        }
        tallies.values_mut().for_each(Tally::sort);
        tallies
    }

    pub(super) fn of_application(writes: &'h Writes<'_>) -> Tally<'h> {
        let mut tally = Tally::default();
        for (thing, changes) in &writes.changes {
            if let Thing::Chat(number) = thing {
                changes.iter().for_each(|change| tally.note(*number, change));
            }
        }
        let open = writes.open.iter().filter(|write| write.sent.is_delete());
        tally.open_deleted = open
            .filter(|write| matches!(write.sent.changes(), Some(Thing::Chat(_))))
            .count() as u64;
        tally.sort();
        tally
    }

    fn note(&mut self, number: u64, change: &'h super::writes::Change<'_>) {
        if change.is_create() {
            self.created.push((change.position, number, change.operation));
        } else if change.is_delete() {
            self.deleted.push(change.position);
        }
    }

    fn sort(&mut self) {
        self.created
            .sort_by_key(|(position, number, _)| (*position, *number));
        self.deleted.sort_unstable();
    }

    /// The last number created up to a position, as far as answers tell, and who asked for it.
    pub(super) fn last_number(&self, as_of: u64) -> Option<(u64, &'h Operation)> {
        let created = self
            .created
            .partition_point(|(position, _, _)| *position <= as_of);
        self.created[..created]
            .last()
            .map(|(_, number, operation)| (*number, *operation))
    }

    /// The first number created behind a position.
    fn next_number(&self, as_of: u64) -> Option<(u64, &'h Operation)> {
        let created = self
            .created
            .partition_point(|(position, _, _)| *position <= as_of);
        self.created
            .get(created)
            .map(|(_, number, operation)| (*number, *operation))
    }

    fn created(&self, as_of: u64) -> u64 {
        self.created
            .partition_point(|(position, _, _)| *position <= as_of) as u64
    }

    fn deleted(&self, as_of: u64) -> u64 {
        self.deleted.partition_point(|position| *position <= as_of) as u64
    }
}

/// The last number says exactly how many messages were created, those of unknown outcome included.
fn check_chat(
    writes: &Writes<'_>,
    chat: u64,
    tally: &Tally<'_>,
    observation: &Observation<'_>,
    findings: &mut Findings,
) {
    let Some(shown) = observation.chat else { return };
    let (as_of, operation, last) = (
        observation.as_of,
        observation.operation,
        shown.last_message_number,
    );
    if let Some((number, created)) = tally.last_number(as_of)
        && last < number
    {
        let at_the_end = writes.is_at_the_end(operation);
        let anomaly = if at_the_end {
            Anomaly::LostWrite
        } else {
            Anomaly::StaleRead
        };
        let detail = || {
            format!(
                "chat {chat} has message {number} at position {as_of}, and is shown with {last} as the last"
            )
        };
        findings.add(anomaly, detail, [created, operation]);
    }
    if let Some((number, created)) = tally.next_number(as_of)
        && last >= number
    {
        let detail = || {
            format!("chat {chat} is shown as of position {as_of} with {last} messages; {number} came later")
        };
        findings.add(Anomaly::ReadAhead, detail, [created, operation]);
    }
    let most = last.saturating_sub(tally.deleted(as_of));
    let least = most.saturating_sub(tally.open_deleted);
    let expected = if shown.deleted { 0..=0 } else { least..=most };
    if !expected.contains(&shown.messages_count) {
        let detail = || {
            let count = shown.messages_count;
            format!("chat {chat} counts {count} messages at position {as_of}, and has {least} to {most}")
        };
        findings.add(Anomaly::WrongCount, detail, [operation]);
    }
}

fn check_application(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let tally = Tally::of_application(writes);
    let open_created = writes
        .open_chats()
        .filter(|(write, _)| !seen.rules_out(write))
        .count() as u64;
    for (operation, as_of) in &seen.reads {
        let Some(Shown::Application(shown)) = operation.answer().map(|answer| &answer.shown) else {
            continue;
        };
        let known = tally.created(*as_of).saturating_sub(tally.deleted(*as_of));
        let (least, most) = (known.saturating_sub(tally.open_deleted), known + open_created);
        if !(least..=most).contains(&shown.chats_count) {
            let detail = || {
                format!(
                    "{} chats at position {as_of}, where there are {least} to {most}",
                    shown.chats_count
                )
            };
            findings.add(Anomaly::WrongCount, detail, [*operation]);
        }
    }
}
