//! Readers: a marker rises when its reader says so, and when its reader sends.

use std::collections::HashMap;

use super::{Decision, chat};
use crate::{
    Application, Chat, Event, Facts, Fault, Field, Marker, MessageCreated, Outcome, ReadState, ReaderName,
    Rejection, Reply, Sender, Timestamp, unread,
};

/// A marker is set, or stays where it is: what is not more than was read changes nothing.
pub(super) fn set(
    facts: &Facts,
    application: &Application,
    (number, reader, read): (u64, &ReaderName, u64),
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let chat = chat::live(facts, application, number)?;
    if read > chat.last_message_number {
        return Err(Rejection::Invalid {
            field: Field::Read,
            fault: Fault::PastLast {
                last: chat.last_message_number,
            },
        });
    }
    let known = facts.marker(application.id, number, reader);
    if let Some(known) = known.filter(|known| read <= known.read) {
        return Ok(Decision {
            events: Vec::new(),
            reply: Reply {
                outcome: Outcome::Read(state(facts, application, chat, known)),
                cursor: Some(application.cursor()),
                replayed: false,
            },
        });
    }
    let marker = raised(known, reader, number, read);
    let state = state(facts, application, chat, &marker);
    let position = application.last_position + 1;
    let event = moved(application, position, marker, now);
    Ok(Decision::one(application, position, event, Outcome::Read(state)))
}

fn state(facts: &Facts, application: &Application, chat: &Chat, marker: &Marker) -> ReadState {
    let find = |place| Ok::<_, std::convert::Infallible>(facts.deleted(application.id, place));
    let Ok(unread) = unread(chat, marker.read, find);
    // A marker is as good as it was where counts beside it are damaged: reads refuse those, and a check names them. Here it
    // is only told that nothing is known to be unread.
    marker.state(unread.unwrap_or(0))
}

fn raised(known: Option<&Marker>, reader: &ReaderName, chat: u64, read: u64) -> Marker {
    Marker {
        reader: reader.clone(),
        chat,
        read,
        version: known.map_or(0, |known| known.version) + 1,
    }
}

fn moved(application: &Application, position: u64, marker: Marker, now: Timestamp) -> Event {
    Event::ReaderMoved {
        application: application.id,
        position,
        at: now,
        marker,
    }
}

/// Who sends has read up to there: one event for each sender that has a marker, after the messages, in the order of
/// their last messages.
pub(super) fn raised_by_sending(
    facts: &Facts,
    application: &Application,
    chat: &Chat,
    messages: &[MessageCreated],
    now: Timestamp,
) -> Vec<Event> {
    if chat.markers_count == 0 {
        return Vec::new();
    }
    let mut last_sent: HashMap<&Sender, u64> = HashMap::new();
    for (number, message) in (chat.last_message_number + 1..).zip(messages) {
        last_sent.extend(message.content.sender.as_ref().map(|sender| (sender, number)));
    }
    let mut raises: Vec<Marker> = last_sent
        .into_iter()
        .filter_map(|(sender, number)| {
            let reader = ReaderName::from(sender);
            let known = facts.marker(application.id, chat.number, &reader)?;
            Some(raised(Some(known), &reader, chat.number, number))
        })
        .collect();
    raises.sort_by_key(|marker| marker.read);
    let first_position = application.last_position + messages.len() as u64 + 1;
    let events = (first_position..).zip(raises);
    events
        .map(|(position, marker)| moved(application, position, marker, now))
        .collect()
}
