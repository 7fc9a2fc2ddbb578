//! Pages: every number that belongs on one is there, and the list goes on where it ends.
//!
//! Texts of a history are short, so a page ends early only at the end of its list.

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::counts::Tally;
use super::operation::{Operation, Range, Sent, Thing};
use super::seen::Seen;
use super::shown::Shown;
use super::writes::Writes;

pub(super) fn check(history: &History, writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let (chats, messages) = (Tally::of_application(writes), Tally::of_chats(writes));
    let empty = Tally::default();
    for operation in &history.operations {
        let Some(answer) = operation.answer() else {
            continue;
        };
        let Some(as_of) = answer.position else { continue };
        match (&operation.sent, &answer.shown) {
            (Sent::ListChats { range }, Shown::Chats(page)) => {
                let numbers: Vec<u64> = page.items.iter().map(|chat| chat.number).collect();
                let page = Page {
                    operation,
                    as_of,
                    range: *range,
                    numbers,
                    next: page.next,
                };
                page.check(&chats, findings);
            }
            (Sent::ListMessages { chat, range }, Shown::Messages(page)) => {
                let numbers: Vec<u64> = page.items.iter().map(|message| message.number).collect();
                let page = Page {
                    operation,
                    as_of,
                    range: *range,
                    numbers,
                    next: page.next,
                };
                page.check(messages.get(chat).unwrap_or(&empty), findings);
            }
            _ => {}
        }
    }
    check_deleted_chats(writes, seen, findings);
}

struct Page<'h> {
    operation: &'h Operation,
    as_of: u64,
    range: Range,
    numbers: Vec<u64>,
    next: Option<u64>,
}

impl Page<'_> {
    fn check(&self, tally: &Tally<'_>, findings: &mut Findings) {
        let known = tally.last_number(self.as_of);
        let last_known = known.map_or(0, |(number, _)| number);
        let expected = match self.range {
            Range::After { after, limit } => after_page(&self.numbers, self.next, after, limit, last_known),
            Range::Last { limit } => last_page(&self.numbers, self.next, limit, last_known),
        };
        if let Err(why) = expected {
            let detail = || format!("as of position {}: {why}", self.as_of);
            let created = known.map(|(_, operation)| operation);
            findings.add(
                Anomaly::IncompletePage,
                detail,
                created.into_iter().chain([self.operation]),
            );
        }
    }
}

fn after_page(
    numbers: &[u64],
    next: Option<u64>,
    after: u64,
    limit: u64,
    last_known: u64,
) -> Result<(), String> {
    if !numbers.iter().copied().eq((after + 1..).take(numbers.len())) {
        return Err(format!("the numbers behind {after} are {numbers:?}"));
    }
    let (count, end) = (numbers.len() as u64, after + numbers.len() as u64);
    match next {
        Some(next) if next != end || count != limit => {
            Err(format!("{count} of {limit} end at {end}, next is {next}"))
        }
        None if count > limit || end.max(after) < last_known => {
            Err(format!("it ends at {end}, and {last_known} exists"))
        }
        _ => Ok(()),
    }
}

fn last_page(numbers: &[u64], next: Option<u64>, limit: u64, last_known: u64) -> Result<(), String> {
    let (first, last) = (
        numbers.first().copied().unwrap_or(1),
        numbers.last().copied().unwrap_or(0),
    );
    if !numbers.iter().copied().eq(first..=last) || numbers.len() as u64 != limit.min(last) {
        return Err(format!("the last {limit} numbers are {numbers:?}"));
    }
    if last < last_known {
        return Err(format!("it ends at {last}, and {last_known} exists"));
    }
    let expected = (first > 1).then_some(first);
    if next == expected {
        Ok(())
    } else {
        Err(format!("it begins at {first}, and next is {next:?}"))
    }
}

/// Nothing below a deleted chat is shown.
fn check_deleted_chats(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    for (operation, as_of) in &seen.reads {
        let (Sent::ListMessages { chat, .. } | Sent::GetMessage { chat, .. } | Sent::GetChat { chat }) =
            operation.sent
        else {
            continue;
        };
        let mut changes = writes.changes(Thing::Chat(chat)).iter();
        if let Some(delete) = changes.find(|change| change.is_delete() && change.position <= *as_of) {
            let at_the_end = writes.is_at_the_end(operation);
            let anomaly = if at_the_end {
                Anomaly::LostWrite
            } else {
                Anomaly::StaleRead
            };
            let detail = || format!("chat {chat} was deleted at position {}", delete.position);
            findings.add(anomaly, detail, [delete.operation, *operation]);
        }
    }
}
