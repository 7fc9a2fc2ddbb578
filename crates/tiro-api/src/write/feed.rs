//! Entries of the feed as JSON text.

use super::{WriteJson, number, optional_text, page, time};
use crate::{ChangePage, Entry, EntryData};

impl WriteJson for Entry<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(b"{\"position\":");
        number(self.position, out);
        out.extend_from_slice(b",\"type\":\"");
        out.extend_from_slice(self.type_.as_str().as_bytes());
        out.extend_from_slice(b"\",\"at\":");
        time(self.at, out);
        out.extend_from_slice(b",\"chat\":");
        optional_number(self.chat, out);
        out.extend_from_slice(b",\"number\":");
        optional_number(self.number, out);
        out.extend_from_slice(b",\"reader\":");
        optional_text(self.reader.as_deref(), out);
        out.extend_from_slice(b",\"version\":");
        number(self.version, out);
        out.extend_from_slice(b",\"data\":");
        match &self.data {
            None => out.extend_from_slice(b"null"),
            Some(EntryData::Application(application)) => application.write_json(out)?,
            Some(EntryData::Chat(chat)) => chat.write_json(out)?,
            Some(EntryData::Message(message)) => message.write_json(out)?,
            Some(EntryData::Reader(state)) => state.write_json(out)?,
        }
        out.push(b'}');
        Ok(())
    }
}

impl WriteJson for ChangePage<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        page(&self.data, self.has_more, Some(&self.next), out)?;
        out.extend_from_slice(b",\"as_of\":");
        optional_text(Some(&self.as_of), out);
        out.push(b'}');
        Ok(())
    }
}

fn optional_number(value: Option<u64>, out: &mut Vec<u8>) {
    match value {
        Some(value) => number(value, out),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::super::tests::{message, text};
    use super::*;
    use crate::{Application, ChangeType, Chat, ReadState, Time};

    fn data() -> impl Strategy<Value = EntryData<'static>> {
        let at = Time::from_millis(1).unwrap();
        let application = text().prop_map(move |name| {
            EntryData::Application(Application {
                token: Cow::Borrowed("app_of_some_length"),
                name: Some(Cow::Owned(name)),
                metadata: None,
                chats_count: 3,
                created_at: at,
                updated_at: at,
                deleted_at: None,
                version: 1,
            })
        });
        let chat = (text(), any::<u64>()).prop_map(move |(title, number)| {
            EntryData::Chat(Chat {
                number,
                title: Some(Cow::Owned(title)),
                metadata: None,
                messages_count: 2,
                last_message_number: 3,
                last_message_at: Some(at),
                created_at: at,
                updated_at: at,
                deleted_at: None,
                version: 1,
            })
        });
        let reader = (text(), any::<u64>()).prop_map(|(reader, read)| {
            EntryData::Reader(ReadState {
                reader: Cow::Owned(reader),
                chat: 7,
                read,
                unread: 1,
            })
        });
        prop_oneof![application, chat, reader, message().prop_map(EntryData::Message)]
    }

    fn entry() -> impl Strategy<Value = Entry<'static>> {
        let numbers = (any::<u64>(), prop::option::of(any::<u64>()));
        let data = prop::option::of(data());
        (numbers, prop::option::of(text()), data, 0..ChangeType::ALL.len()).prop_map(
            |((position, number), reader, data, kind)| Entry {
                position,
                type_: ChangeType::ALL[kind],
                at: Time::MAX,
                chat: number.map(|number| number / 2),
                number,
                reader: reader.map(Cow::Owned),
                version: position / 5,
                data,
            },
        )
    }

    proptest! {
        #[test]
        fn entries_are_written_as_serde_writes_them(data in prop::collection::vec(entry(), 0..4), has_more: bool) {
            let page = ChangePage {
                data,
                has_more,
                next: Cow::Borrowed("abc.4"),
                as_of: Cow::Borrowed("abc.9"),
            };
            let mut written = Vec::new();
            page.write_json(&mut written).unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&page).unwrap());
        }
    }
}
