//! What must hold in every export, whatever happened before: for kill tests, restores and the random model.
//!
//! The entries are read in order, from nothing, and the content they carry is held against what they add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use tiro_core::{
    Action, Application, Change, Chat, Entry, KeyName, Message, Namespace, ReadState, ReaderName, Subject,
    Thing,
};

use crate::ExportedApplication;

/// Checks that positions and numbers are dense, versions step by one, content stands exactly at the entry that made
/// it, counts are right and keys unique.
///
/// # Errors
/// The first thing that does not hold, with application and position.
pub fn check_export(exported: &[ExportedApplication]) -> Result<(), String> {
    let mut tokens = BTreeSet::new();
    let mut server_keys = BTreeSet::new();
    for one in exported {
        let token = one.application.token.as_str();
        if !tokens.insert(token) {
            return Err(format!("the application {token} is exported twice"));
        }
        let mut ledger = Ledger::default();
        check_application(one, &mut ledger, &mut server_keys)
            .map_err(|broken| format!("application {token}: {broken}"))?;
    }
    Ok(())
}

/// What the entries so far add up to.
#[derive(Default)]
struct Ledger {
    application_version: u64,
    chats: Vec<ChatLedger>,
    keys: BTreeSet<KeyName>,
}

#[derive(Default)]
struct ChatLedger {
    version: u64,
    deleted: bool,
    live_messages: u64,
    /// The position of the create of the chat or of its last message.
    activity_position: u64,
    change_position: u64,
    /// The version of each reader's marker.
    readers: BTreeMap<ReaderName, u64>,
    /// By number from 1: its version, and whether it is deleted.
    messages: Vec<(u64, bool)>,
}

fn check_application(
    one: &ExportedApplication,
    ledger: &mut Ledger,
    server_keys: &mut BTreeSet<KeyName>,
) -> Result<(), String> {
    if one.application.deleted_at.is_some() {
        return check_tombstone(one);
    }
    for (index, entry) in one.entries.iter().enumerate() {
        let change = &entry.change;
        equal("position", change.position, index as u64 + 1)?;
        check_key(change, ledger, server_keys)
            .and_then(|()| take_in(change, ledger))
            .map_err(|broken| format!("position {}: {broken}", change.position))?;
    }
    equal(
        "last position",
        one.application.last_position,
        one.entries.len() as u64,
    )?;
    check_row(&one.application, ledger)?;
    let mut present = Present::default();
    for entry in &one.entries {
        check_content(entry, &one.application, ledger, &mut present)
            .map_err(|broken| format!("position {}: {broken}", entry.change.position))?;
    }
    present.check_last_times(ledger)
}

fn check_tombstone(one: &ExportedApplication) -> Result<(), String> {
    let [entry] = &one.entries[..] else {
        return Err(format!(
            "a deleted application is one entry, not {}",
            one.entries.len()
        ));
    };
    let change = &entry.change;
    equal(
        "subject and action",
        (&change.subject, change.action),
        (&Subject::Application, Action::Deleted),
    )?;
    equal("key of the tombstone", &change.key, &None)?;
    equal(
        "position of the tombstone",
        change.position,
        one.application.last_position,
    )?;
    equal(
        "version of the tombstone",
        change.version,
        one.application.version,
    )?;
    equal(
        "content of the tombstone",
        entry.thing.as_ref(),
        Some(&Thing::Application(one.application.clone())),
    )?;
    equal("chats of a tombstone", one.application.chats_count, 0)
}

fn check_key(
    change: &Change,
    ledger: &mut Ledger,
    server_keys: &mut BTreeSet<KeyName>,
) -> Result<(), String> {
    let Some(binding) = &change.key else { return Ok(()) };
    let of_server = binding.name.namespace == Namespace::Server;
    let made_application = change.subject == Subject::Application && change.action == Action::Created;
    equal("a key of the server's namespace", of_server, made_application)?;
    let keys = if of_server { server_keys } else { &mut ledger.keys };
    if keys.insert(binding.name.clone()) {
        Ok(())
    } else {
        Err(format!("the key {:?} is bound twice", binding.name))
    }
}

/// Adds one entry up.
fn take_in(change: &Change, ledger: &mut Ledger) -> Result<(), String> {
    match &change.subject {
        Subject::Application => {
            equal(
                "position 1 is the create",
                change.position == 1,
                change.action == Action::Created,
            )?;
            ledger.application_version += 1;
            equal("version", change.version, ledger.application_version)
        }
        Subject::Chat { chat } => take_in_chat(change, ledger, *chat),
        Subject::Reader { chat, reader } => {
            let row = live_row(ledger, *chat)?;
            row.change_position = change.position;
            equal("action of a reader's entry", change.action, Action::Updated)?;
            let version = row.readers.entry(reader.clone()).or_default();
            *version += 1;
            equal("version", change.version, *version)
        }
        &Subject::Message { chat, number } => {
            let row = live_row(ledger, chat)?;
            row.change_position = change.position;
            take_in_message(change, row, number)
        }
    }
}

fn live_row(ledger: &mut Ledger, chat: u64) -> Result<&mut ChatLedger, String> {
    let row = at(&mut ledger.chats, chat).ok_or("its chat was not created before")?;
    if row.deleted {
        Err("its chat was deleted before".to_owned())
    } else {
        Ok(row)
    }
}

fn take_in_chat(change: &Change, ledger: &mut Ledger, chat: u64) -> Result<(), String> {
    if change.action == Action::Created {
        ledger.chats.push(ChatLedger {
            activity_position: change.position,
            ..ChatLedger::default()
        });
        equal("number of the chat", chat, ledger.chats.len() as u64)?;
    }
    let row = at(&mut ledger.chats, chat).ok_or("the chat was not created before")?;
    if row.deleted {
        return Err("the chat was deleted before".to_owned());
    }
    row.version += 1;
    row.change_position = change.position;
    row.deleted = change.action == Action::Deleted;
    if row.deleted {
        row.live_messages = 0;
    }
    equal("version", change.version, row.version)
}

fn take_in_message(change: &Change, chat: &mut ChatLedger, number: u64) -> Result<(), String> {
    match change.action {
        Action::Created => {
            chat.messages.push((0, false));
            equal("number of the message", number, chat.messages.len() as u64)?;
            chat.live_messages += 1;
            chat.activity_position = change.position;
        }
        Action::Updated => {}
        Action::Deleted => chat.live_messages -= 1,
    }
    let (version, deleted) = at(&mut chat.messages, number).ok_or("the message was not created before")?;
    if *deleted {
        return Err("the message was deleted before".to_owned());
    }
    *version += 1;
    *deleted = change.action == Action::Deleted;
    equal("version", change.version, *version)
}

/// Content met so far that other content has to agree with.
#[derive(Default)]
struct Present {
    chats: BTreeMap<u64, Chat>,
    messages: BTreeMap<(u64, u64), Message>,
}

impl Present {
    /// The time of a chat's last message is that message's `created_at`.
    fn check_last_times(&self, ledger: &Ledger) -> Result<(), String> {
        for (chat, row) in (1..).zip(&ledger.chats).filter(|(_, row)| !row.deleted) {
            let last = self.messages.get(&(chat, row.messages.len() as u64));
            let at = last.map(|message| message.created_at);
            equal(
                &format!("chat {chat}: time of its last message"),
                self.chats[&chat].last_message_at,
                at,
            )?;
        }
        Ok(())
    }
}

/// Content stands at the entry that made the present version, nowhere else, and says what the entries add up to.
fn check_content(
    entry: &Entry,
    application: &Application,
    ledger: &mut Ledger,
    present: &mut Present,
) -> Result<(), String> {
    let change = &entry.change;
    let (version, deleted, hidden) = match &change.subject {
        Subject::Application => (ledger.application_version, false, false),
        Subject::Reader { chat, reader } => {
            let row = at(&mut ledger.chats, *chat).ok_or("no such chat")?;
            (row.readers[reader], false, row.deleted)
        }
        &Subject::Chat { chat } => {
            let row = at(&mut ledger.chats, chat).ok_or("no such chat")?;
            (row.version, row.deleted, false)
        }
        &Subject::Message { chat, number } => {
            let row = at(&mut ledger.chats, chat).ok_or("no such chat")?;
            let (version, deleted) = *at(&mut row.messages, number).ok_or("no such message")?;
            (version, deleted, row.deleted)
        }
    };
    let expected = change.version == version && !hidden;
    equal("there is content", entry.thing.is_some(), expected)?;
    match (&entry.thing, &change.subject) {
        (None, _) => Ok(()),
        (Some(Thing::Application(content)), Subject::Application) => {
            equal("content of the application", content, application)
        }
        (Some(Thing::Reader(content)), Subject::Reader { chat, reader }) => {
            equal("reader", &content.reader, reader)?;
            equal(
                "chat and version",
                (content.chat, content.version),
                (*chat, version),
            )?;
            let row = at(&mut ledger.chats, *chat).ok_or("no such chat")?;
            check_read(content, row)
        }
        (Some(Thing::Chat(content)), &Subject::Chat { chat }) => {
            present.chats.insert(chat, content.clone());
            equal(
                "number and version",
                (content.number, content.version),
                (chat, version),
            )?;
            equal("the chat is deleted", content.deleted_at.is_some(), deleted)?;
            check_chat(content, at(&mut ledger.chats, chat).ok_or("no such chat")?)
        }
        (Some(Thing::Message(content)), &Subject::Message { chat, number }) => {
            present.messages.insert((chat, number), content.clone());
            equal(
                "number and version",
                (content.number, content.version),
                (number, version),
            )?;
            equal("the message is deleted", content.deleted_at.is_some(), deleted)?;
            equal("the message has content", content.content.is_none(), deleted)
        }
        (Some(other), _) => Err(format!("the content is of another kind: {other:?}")),
    }
}

fn check_row(application: &Application, ledger: &Ledger) -> Result<(), String> {
    let live = ledger.chats.iter().filter(|chat| !chat.deleted).count();
    equal("count of chats", application.chats_count, live as u64)?;
    equal(
        "last chat",
        application.last_chat_number,
        ledger.chats.len() as u64,
    )?;
    equal(
        "version of the application",
        application.version,
        ledger.application_version,
    )
}

fn check_read(content: &ReadState, row: &ChatLedger) -> Result<(), String> {
    let last = row.messages.len() as u64;
    equal(
        "read no further than the last message",
        content.read <= last,
        true,
    )?;
    let after = row
        .messages
        .iter()
        .zip(1..)
        .filter(|(_, number)| *number > content.read);
    let unread = after.filter(|((_, deleted), _)| !deleted).count();
    equal("unread", content.unread, unread as u64)
}

fn check_chat(content: &Chat, row: &ChatLedger) -> Result<(), String> {
    equal("count of messages", content.messages_count, row.live_messages)?;
    equal(
        "last message",
        content.last_message_number,
        row.messages.len() as u64,
    )?;
    equal(
        "position of its activity",
        content.activity_position,
        row.activity_position,
    )?;
    equal(
        "count of markers",
        content.markers_count,
        if row.deleted { 0 } else { row.readers.len() as u64 },
    )?;
    equal(
        "position of its last change",
        content.change_position,
        row.change_position,
    )
}

fn at<T>(rows: &mut [T], number: u64) -> Option<&mut T> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    rows.get_mut(index)
}

fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?}, not {expected:?}"))
    }
}
