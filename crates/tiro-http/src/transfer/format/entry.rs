//! One entry of a feed as a line, both ways.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;
use tiro_api::{LinesEnd, LinesEntry, LinesKey, Time};
use tiro_core::{
    Action, ApplicationId, Change, Entry, Failure, Fingerprint, IdempotencyKey, KeyBinding, KeyName, Limits,
    Namespace, ReaderName, Subject, Timestamp,
};

use super::{Header, LineFault, fault, hex, thing};
use crate::wire;

const NAMESPACES: [(Namespace, &str); 3] = [
    (Namespace::Server, "server"),
    (Namespace::Application, "application"),
    (Namespace::Import, "import"),
];

/// Appends the entry's object, without a line feed.
///
/// # Errors
/// What is stored cannot be shown.
pub(super) fn write(entry: &Entry, end: Option<LinesEnd<'_>>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let change = &entry.change;
    let line = LinesEntry {
        position: change.position,
        type_: type_name(&change.subject, change.action).into(),
        at: wire::time(change.at),
        chat: change.subject.chat(),
        number: match &change.subject {
            Subject::Message { number, .. } => Some(*number),
            Subject::Application | Subject::Chat { .. } | Subject::Reader { .. } => None,
        },
        reader: match &change.subject {
            Subject::Reader { reader, .. } => Some(Cow::Borrowed(&**reader)),
            Subject::Application | Subject::Chat { .. } | Subject::Message { .. } => None,
        },
        version: change.version,
        data: entry.thing.as_ref().map(thing::written).transpose()?,
        key: change.key.as_deref().map(written_key),
        end,
    };
    serde_json::to_writer(out, &line)
        .map_err(|error| Failure::Internal(format!("an entry cannot be written as JSON: {error}")))
}

/// Reads an entry's object, and its `end` if it has one.
pub(super) fn read<'a>(
    header: &Header,
    application: ApplicationId,
    line: &'a [u8],
    limits: &Limits,
) -> Result<(Entry, Option<LinesEnd<'a>>), LineFault> {
    let line: LinesEntry<'a, &'a RawValue> = fault::decoded(line)?;
    let (subject, action) = subject(&line, limits)?;
    let read = thing::Reader {
        header,
        application,
        position: line.position,
        version: line.version,
        limits,
    };
    let thing = line.data.map(|data| read.thing(&subject, data)).transpose()?;
    let change = Change {
        position: line.position,
        at: read_time(line.at),
        subject,
        action,
        version: line.version,
        key: line.key.map(read_key).transpose()?.map(Arc::new),
    };
    Ok((Entry { change, thing }, line.end))
}

fn read_time(time: Time) -> Timestamp {
    Timestamp::from_millis(time.as_millis())
}

fn type_name(subject: &Subject, action: Action) -> &'static str {
    match (subject, action) {
        (Subject::Application, Action::Created) => "application.created",
        (Subject::Application, Action::Updated) => "application.updated",
        (Subject::Application, Action::Deleted) => "application.deleted",
        (Subject::Chat { .. }, Action::Created) => "chat.created",
        (Subject::Chat { .. }, Action::Updated) => "chat.updated",
        (Subject::Chat { .. }, Action::Deleted) => "chat.deleted",
        (Subject::Message { .. }, Action::Created) => "message.created",
        (Subject::Message { .. }, Action::Updated) => "message.updated",
        (Subject::Message { .. }, Action::Deleted) => "message.deleted",
        (Subject::Reader { .. }, _) => "reader.updated",
    }
}

/// Subject and action: the type and the numbers have to name the same one.
fn subject<D>(line: &LinesEntry<'_, D>, limits: &Limits) -> Result<(Subject, Action), LineFault> {
    let subject = match (line.chat, line.number, &line.reader) {
        (Some(0), ..) | (_, Some(0), _) => {
            return Err(LineFault::Contradiction("`chat` and `number` are at least 1"));
        }
        (None, None, None) => Subject::Application,
        (Some(chat), None, None) => Subject::Chat { chat },
        (Some(chat), Some(number), None) => Subject::Message { chat, number },
        (Some(chat), None, Some(reader)) => Subject::Reader {
            chat,
            reader: ReaderName::new(reader, limits).map_err(fault::of("reader"))?,
        },
        (Some(_), Some(_), Some(_)) => {
            return Err(LineFault::Contradiction(
                "`number` and `reader` exclude each other",
            ));
        }
        (None, ..) => return Err(LineFault::Missing("chat")),
    };
    [Action::Updated, Action::Created, Action::Deleted]
        .into_iter()
        .find(|action| type_name(&subject, *action) == line.type_)
        .map(|action| (subject, action))
        .ok_or(LineFault::Contradiction(
            "`type` is not one that goes with `chat`, `number` and `reader`",
        ))
}

fn written_key(binding: &KeyBinding) -> LinesKey<'_> {
    let (_, namespace) = NAMESPACES
        .into_iter()
        .find(|(namespace, _)| *namespace == binding.name.namespace)
        .expect("every namespace has a name");
    LinesKey {
        namespace: namespace.into(),
        key: (*binding.name.key).into(),
        fingerprint: hex::written(&binding.fingerprint.0).into(),
        created_at: binding.created_at.map(wire::time),
    }
}

fn read_key(key: LinesKey<'_>) -> Result<KeyBinding, LineFault> {
    let (namespace, _) = NAMESPACES
        .into_iter()
        .find(|(_, name)| *name == key.namespace)
        .ok_or(LineFault::Contradiction(
            "`namespace` is none of server, application and import",
        ))?;
    let fingerprint = hex::read(&key.fingerprint).ok_or(LineFault::Contradiction(
        "`fingerprint` is not 64 lower-case hexadecimal digits",
    ))?;
    // A stored key has no enclosing quotes left to take off: quotes of its own have to stay.
    let name = IdempotencyKey::new(&format!("\"{}\"", key.key)).map_err(fault::of("key"))?;
    Ok(KeyBinding {
        name: KeyName { namespace, key: name },
        fingerprint: Fingerprint(fingerprint),
        created_at: key.created_at.map(read_time),
    })
}
