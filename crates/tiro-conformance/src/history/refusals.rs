//! Refusals, and deletes that had nothing to do: each needs its cause.

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::operation::{Operation, Outcome, Sent, Thing};
use super::writes::{Change, Writes};

pub(super) fn check(history: &History, writes: &Writes<'_>, findings: &mut Findings) {
    for operation in &history.operations {
        match &operation.outcome {
            Outcome::Refused(code) => check_refusal(operation, code, writes, findings),
            Outcome::Acknowledged(answer) if answer.position.is_none() && operation.sent.is_delete() => {
                let thing = operation.sent.changes().expect("a delete is of a thing");
                if !may_be_deleted(thing, operation, writes) {
                    findings.add(
                        Anomaly::NoEffect,
                        || format!("nobody had deleted {thing}"),
                        [operation],
                    );
                }
            }
            Outcome::Acknowledged(_) | Outcome::Declined | Outcome::Unknown => {}
        }
    }
}

fn check_refusal(operation: &Operation, code: &str, writes: &Writes<'_>, findings: &mut Findings) {
    let (chat, thing) = subjects(&operation.sent);
    match (code, chat, thing) {
        ("chat_not_found", Some(chat), _) => check_not_found(chat, operation, writes, findings),
        ("message_not_found", _, Some(thing)) => check_not_found(thing, operation, writes, findings),
        ("chat_deleted", Some(chat), _) if may_be_deleted(chat, operation, writes) => {}
        ("message_deleted", _, Some(thing)) if may_be_deleted(thing, operation, writes) => {}
        ("precondition_failed", ..) if may_have_changed(operation, writes) => {}
        ("chat_deleted" | "message_deleted" | "precondition_failed", ..) => {
            findings.add(Anomaly::RefusedWithoutCause, || code.to_owned(), [operation]);
        }
        _ => findings.add(Anomaly::UnexpectedRefusal, || code.to_owned(), [operation]),
    }
}

/// The chat and the message that a request names.
fn subjects(sent: &Sent) -> (Option<Thing>, Option<Thing>) {
    match *sent {
        Sent::UpdateMessage { chat, number, .. }
        | Sent::DeleteMessage { chat, number }
        | Sent::GetMessage { chat, number } => {
            (Some(Thing::Chat(chat)), Some(Thing::Message { chat, number }))
        }
        Sent::UpdateChat { chat, .. }
        | Sent::DeleteChat { chat }
        | Sent::GetChat { chat }
        | Sent::CreateMessages { chat, .. }
        | Sent::ListMessages { chat, .. } => (Some(Thing::Chat(chat)), None),
        Sent::CreateApplication
        | Sent::CreateChat { .. }
        | Sent::GetApplication
        | Sent::ListChats { .. }
        | Sent::Search { .. }
        | Sent::ReadFeed { .. } => (None, None),
    }
}

/// What was created before is found.
fn check_not_found(thing: Thing, operation: &Operation, writes: &Writes<'_>, findings: &mut Findings) {
    let known = writes.changes(thing).iter();
    if let Some(change) = known
        .into_iter()
        .find(|change| change.returned < operation.invoked)
    {
        findings.add(
            Anomaly::LostWrite,
            || format!("{thing} is not found"),
            [change.operation, operation],
        );
    }
}

fn sent_before(invoked: u64, operation: &Operation) -> bool {
    invoked < operation.returned
}

fn may_be_deleted(thing: Thing, operation: &Operation, writes: &Writes<'_>) -> bool {
    let known = |change: &Change<'_>| change.is_delete() && sent_before(change.invoked, operation);
    let mut open = writes.open_changes(thing);
    writes.changes(thing).iter().any(known)
        || open.any(|write| write.sent.is_delete() && sent_before(write.invoked, operation))
}

/// Whether the thing may have had another version than the operation's condition names.
fn may_have_changed(operation: &Operation, writes: &Writes<'_>) -> bool {
    let (Some(thing), Some(wanted)) = (operation.sent.changes(), operation.sent.if_match()) else {
        return false;
    };
    let other = |change: &Change<'_>| {
        change.version.is_none_or(|version| version > wanted) && sent_before(change.invoked, operation)
    };
    writes.changes(thing).iter().any(other)
        || writes
            .open_changes(thing)
            .any(|write| sent_before(write.invoked, operation))
}
