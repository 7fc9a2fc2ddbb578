//! An entry as a line for people: where in the feed, when, what happened to which thing.

use tiro_client::api::{Entry, EntryData};

use crate::terminal::visible;

const BETWEEN: &str = "  ";

/// The line without its end. Nothing in it steers a terminal or breaks the line.
pub(super) fn of(entry: &Entry<'_>) -> String {
    let mut line = format!("{}{BETWEEN}{}{BETWEEN}{}", entry.position, entry.at, entry.type_);
    match (entry.chat, entry.number) {
        (Some(chat), Some(number)) => line.push_str(&format!("{BETWEEN}{chat}/{number}")),
        (Some(chat), None) => line.push_str(&format!("{BETWEEN}{chat}")),
        (None, _) => {}
    }
    let what = what(entry);
    if !what.is_empty() {
        line.push_str(BETWEEN);
        line.extend(what.chars().map(visible));
    }
    line
}

/// What the thing says, if this entry has it.
fn what(entry: &Entry<'_>) -> String {
    match &entry.data {
        None => entry.reader.as_deref().unwrap_or_default().to_owned(),
        Some(EntryData::Application(application)) => {
            application.name.as_deref().unwrap_or_default().to_owned()
        }
        Some(EntryData::Chat(chat)) => chat.title.as_deref().unwrap_or_default().to_owned(),
        Some(EntryData::Message(message)) => match message.body.as_deref() {
            Some(body) => format!("{}: {body}", message.sender.as_deref().unwrap_or("-")),
            None => String::new(),
        },
        Some(EntryData::Reader(state)) => {
            format!(
                "{} has read {}, {} unread",
                state.reader, state.read, state.unread
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, place: &str, data: &str) -> String {
        let json = format!(
            "{{\"position\":7,\"type\":\"{kind}\",\"at\":\"1970-01-01T00:00:00.000Z\",{place},\"version\":1,\"data\":{data}}}"
        );
        let line = of(&serde_json::from_str(&json).unwrap());
        line.strip_prefix("7  1970-01-01T00:00:00.000Z  ")
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_line_says_where_and_what_and_nothing_in_it_steers_a_terminal() {
        let message = |body: &str, sender: &str| {
            format!(
                "{{\"number\":2,\"body\":{body},\"sender\":{sender},\"metadata\":null,\"created_at\":\"1970-01-01T00:00:00.000Z\",\
                 \"updated_at\":\"1970-01-01T00:00:00.000Z\",\"deleted_at\":null,\"version\":1}}"
            )
        };
        let place = "\"chat\":4,\"number\":2,\"reader\":null";
        assert_eq!(
            line(
                "message.created",
                place,
                &message("\"a\\n\\u001b[2J\"", "\"ada\"")
            ),
            "message.created  4/2  ada: a↵␛[2J"
        );
        assert_eq!(
            line("message.deleted", place, &message("null", "null")),
            "message.deleted  4/2"
        );
        assert_eq!(line("message.updated", place, "null"), "message.updated  4/2");
        let place = "\"chat\":4,\"number\":null,\"reader\":\"bob\"";
        let state = r#"{"reader":"bob","chat":4,"read":3,"unread":1}"#;
        assert_eq!(
            line("reader.updated", place, state),
            "reader.updated  4  bob has read 3, 1 unread"
        );
        assert_eq!(line("reader.updated", place, "null"), "reader.updated  4  bob");
    }
}
