//! Exported applications: begin, take entries in order, finish.
//!
//! A file that was cut, edited or shuffled is refused where it stops making sense: positions and numbers must be
//! dense, versions rise by one, content belong to its entry. A deleted application is one entry, its last.

use super::{Decision, restoring};
use crate::{
    Action, Application, ApplicationId, Change, Chat, Entry, Epoch, Event, Facts, Namespace, Outcome,
    ReaderName, Rejection, Stage, Subject, Thing, Timestamp, Token,
};

pub(super) fn begin(
    facts: &Facts,
    token: &Token,
    epoch: &Epoch,
    last_position: u64,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    if facts.application_by_token(token).is_some() {
        return Err(Rejection::TokenTaken);
    }
    let id = facts.next_application();
    let application = Application {
        id,
        token: token.clone(),
        epoch: epoch.clone(),
        stage: Stage::Restoring { last_position },
        name: None,
        metadata: None,
        chats_count: 0,
        last_chat_number: 0,
        last_position: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        version: 0,
    };
    Ok(Decision::step(
        vec![Event::RestoreBegun { application }],
        Outcome::RestoreBegun(id),
    ))
}

pub(super) fn entries(facts: &Facts, id: ApplicationId, entries: &[Entry]) -> Result<Decision, Rejection> {
    restoring(facts, id)?;
    let mut so_far = facts.clone();
    for (index, entry) in entries.iter().enumerate() {
        check(&so_far, id, entry).map_err(|reason| Rejection::Unrestorable { index, reason })?;
        so_far.restore_entry(id, entry);
    }
    let event = Event::EntriesRestored {
        application: id,
        entries: entries.to_vec(),
    };
    Ok(Decision::step(vec![event], Outcome::Done))
}

pub(super) fn finish(facts: &Facts, id: ApplicationId, token: &Token) -> Result<Decision, Rejection> {
    let (application, last_position) = restoring(facts, id)?;
    if facts.application_by_token(token).is_some() || application.token != *token {
        return Err(Rejection::TokenTaken);
    }
    let complete = application.last_position == last_position;
    let named = application.name.is_some() || application.deleted_at.is_some();
    if !complete || !named {
        return Err(Rejection::Unrestorable {
            index: 0,
            reason: "entries are missing at the end",
        });
    }
    let event = Event::RestoreFinished {
        application: id,
        token: token.clone(),
    };
    Ok(Decision::step(vec![event], Outcome::Done))
}

pub(super) fn abandon(facts: &Facts, id: ApplicationId) -> Result<Decision, Rejection> {
    restoring(facts, id)?;
    Ok(Decision::step(
        vec![Event::RestoreAbandoned { application: id }],
        Outcome::Done,
    ))
}

/// Whether an entry may follow the ones before it.
fn check(facts: &Facts, id: ApplicationId, entry: &Entry) -> Result<(), &'static str> {
    let (application, last_position) =
        restoring(facts, id).map_err(|_| "the application is not being restored")?;
    let change = &entry.change;
    if application.deleted_at.is_some() || change.position > last_position {
        return Err("an entry follows the last one");
    }
    let tombstone =
        application.last_position == 0 && is_tombstone(change) && change.position == last_position;
    if change.position != application.last_position + 1 && !tombstone {
        return Err("the position is not one more than the one before");
    }
    check_key(facts, id, change)?;
    check_content(entry)?;
    if tombstone {
        return Ok(());
    }
    match &change.subject {
        Subject::Application => {
            let known = (application.version > 0).then_some(application.version);
            check_step(change, known, (change.position == 1).then_some(1), 1)
        }
        &Subject::Chat { chat } => {
            let known = facts.chat(id, chat);
            if known.is_some_and(|chat| chat.deleted_at.is_some()) {
                return Err("the chat was deleted by an entry before");
            }
            check_step(
                change,
                known.map(|chat| chat.version),
                Some(application.last_chat_number + 1),
                chat,
            )
        }
        &Subject::Message { chat, number } => check_message(facts, id, change, (chat, number)),
        Subject::Reader { chat, reader } => check_reader(facts, id, entry, (*chat, reader)),
    }
}

fn check_reader(
    facts: &Facts,
    id: ApplicationId,
    entry: &Entry,
    (chat, reader): (u64, &ReaderName),
) -> Result<(), &'static str> {
    let chat = restored_chat(facts, id, chat)?;
    if entry.change.action != Action::Updated {
        return Err("an entry of a reader is an update");
    }
    let known = facts.marker(id, chat.number, reader);
    if entry.change.version != known.map_or(0, |marker| marker.version) + 1 {
        return Err("the version is not one more than the one before");
    }
    match &entry.thing {
        Some(Thing::Reader(state)) if state.read > chat.last_message_number => {
            Err("the reader has read more than there is")
        }
        _ => Ok(()),
    }
}

/// The chat of an entry below it.
fn restored_chat(facts: &Facts, id: ApplicationId, chat: u64) -> Result<&Chat, &'static str> {
    let chat = facts
        .chat(id, chat)
        .ok_or("the chat was not created by an entry before")?;
    if chat.deleted_at.is_some() {
        return Err("the chat was deleted by an entry before");
    }
    Ok(chat)
}

fn check_message(
    facts: &Facts,
    id: ApplicationId,
    change: &Change,
    place: (u64, u64),
) -> Result<(), &'static str> {
    let (chat, number) = place;
    let chat = restored_chat(facts, id, chat)?;
    let known = match change.action {
        Action::Created => None,
        Action::Updated | Action::Deleted => facts.message(id, chat.number, number),
    };
    if known.is_some_and(|message| message.deleted_at.is_some()) {
        return Err("the message was deleted by an entry before");
    }
    check_step(
        change,
        known.map(|message| message.version),
        Some(chat.last_message_number + 1),
        number,
    )
}

fn is_tombstone(change: &Change) -> bool {
    change.subject == Subject::Application && change.action == Action::Deleted
}

/// A create takes the next number at version 1; an update or delete raises the version of what exists by one.
fn check_step(
    change: &Change,
    known: Option<u64>,
    next: Option<u64>,
    number: u64,
) -> Result<(), &'static str> {
    match change.action {
        Action::Created if next != Some(number) => Err("the number is not one more than the one before"),
        Action::Created if change.version != 1 => Err("a create has version 1"),
        Action::Created => Ok(()),
        Action::Updated | Action::Deleted => match known {
            None => Err("the thing was not created by an entry before"),
            Some(version) if change.version == version + 1 => Ok(()),
            Some(_) => Err("the version is not one more than the one before"),
        },
    }
}

fn check_key(facts: &Facts, id: ApplicationId, change: &Change) -> Result<(), &'static str> {
    let Some(binding) = &change.key else { return Ok(()) };
    let of_server = binding.name.namespace == Namespace::Server;
    if of_server != (change.subject == Subject::Application && change.action == Action::Created) {
        return Err("the key is of another kind than the entry");
    }
    let scope = (!of_server).then_some(id);
    if facts.key(scope, &binding.name).is_some() {
        return Err("the key is bound already");
    }
    Ok(())
}

fn check_content(entry: &Entry) -> Result<(), &'static str> {
    let change = &entry.change;
    let deleted = change.action == Action::Deleted;
    let fits = match (&entry.thing, &change.subject) {
        (None, _) => true,
        (Some(Thing::Application(content)), Subject::Application) => {
            content.version == change.version && content.name.is_none() == deleted
        }
        (Some(Thing::Chat(content)), &Subject::Chat { chat }) => {
            content.version == change.version
                && content.number == chat
                && content.deleted_at.is_some() == deleted
        }
        (Some(Thing::Reader(content)), Subject::Reader { chat, reader }) => {
            (content.version, content.chat, &content.reader) == (change.version, *chat, reader)
        }
        (Some(Thing::Message(content)), &Subject::Message { number, .. }) => {
            content.version == change.version
                && content.number == number
                && content.content.is_none() == deleted
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err("the content does not belong to the entry")
    }
}
