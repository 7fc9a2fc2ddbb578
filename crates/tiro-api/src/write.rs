//! Wire types as JSON text, appended to a buffer.
//!
//! Messages, entries and hits are written by hand, since pages have hundreds of them and serde_json looks at their
//! texts byte by byte: a page of 50 takes a third of the time. Property tests hold them to what serde writes.

mod feed;

use crate::{
    About, Application, ApplicationPage, BatchCreated, Chat, ChatPage, ClassicApplication, ClassicChat,
    ClassicHit, ClassicMessage, HighlightRange, Hit, ImportReport, Message, MessagePage, Operation,
    ReadState, ReadStatePage, Ready, SearchPage, Status, Time,
};

/// What an answer can have as its body.
pub trait WriteJson {
    /// Appends the value as JSON.
    ///
    /// # Errors
    /// What serde_json says; for the types of this crate there is nothing that it could refuse.
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;
}

macro_rules! by_serde {
    ($($kind:ty),*) => {
        $(impl WriteJson for $kind {
            fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
                serde_json::to_writer(out, self)
            }
        })*
    };
}

by_serde!(
    About,
    Application<'_>,
    ApplicationPage<'_>,
    BatchCreated,
    Chat<'_>,
    ChatPage<'_>,
    ClassicApplication<'_>,
    ClassicChat<'_>,
    ClassicHit<'_>,
    ClassicMessage<'_>,
    ImportReport,
    Operation<'_>,
    ReadState<'_>,
    ReadStatePage<'_>,
    Ready,
    Status
);

impl WriteJson for Message<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(b"{\"number\":");
        number(self.number, out);
        out.extend_from_slice(b",\"body\":");
        optional_text(self.body.as_deref(), out);
        out.extend_from_slice(b",\"sender\":");
        optional_text(self.sender.as_deref(), out);
        out.extend_from_slice(b",\"metadata\":");
        out.extend_from_slice(self.metadata.as_ref().map_or("null", |raw| raw.get()).as_bytes());
        out.extend_from_slice(b",\"created_at\":");
        time(self.created_at, out);
        out.extend_from_slice(b",\"updated_at\":");
        time(self.updated_at, out);
        out.extend_from_slice(b",\"deleted_at\":");
        match self.deleted_at {
            Some(at) => time(at, out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"version\":");
        number(self.version, out);
        out.push(b'}');
        Ok(())
    }
}

impl WriteJson for MessagePage<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        page(&self.data, self.has_more, self.next.as_deref(), out)?;
        out.extend_from_slice(b",\"as_of\":");
        optional_text(self.as_of.as_deref(), out);
        out.push(b'}');
        Ok(())
    }
}

impl WriteJson for SearchPage<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        page(&self.data, self.has_more, self.next.as_deref(), out)?;
        out.extend_from_slice(b",\"searched_through\":");
        optional_text(self.searched_through.as_deref(), out);
        out.push(b'}');
        Ok(())
    }
}

/// What every page begins with; what it ends with is its own.
fn page(
    data: &[impl WriteJson],
    has_more: bool,
    next: Option<&str>,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    out.extend_from_slice(b"{\"data\":");
    array(data, out)?;
    let more: &[u8] = if has_more { b"true" } else { b"false" };
    out.extend_from_slice(b",\"has_more\":");
    out.extend_from_slice(more);
    out.extend_from_slice(b",\"next\":");
    optional_text(next, out);
    Ok(())
}

impl WriteJson for Hit<'_> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(b"{\"application\":");
        quoted(&self.application, out);
        out.extend_from_slice(b",\"chat\":");
        number(self.chat, out);
        out.extend_from_slice(b",\"message\":");
        self.message.write_json(out)?;
        out.extend_from_slice(b",\"highlights\":");
        array(&self.highlights, out)?;
        out.push(b'}');
        Ok(())
    }
}

impl WriteJson for HighlightRange {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        out.extend_from_slice(b"{\"start\":");
        number(self.start, out);
        out.extend_from_slice(b",\"end\":");
        number(self.end, out);
        out.push(b'}');
        Ok(())
    }
}

fn array(items: &[impl WriteJson], out: &mut Vec<u8>) -> serde_json::Result<()> {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.write_json(out)?;
    }
    out.push(b']');
    Ok(())
}

fn number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn time(time: Time, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&time.text());
    out.push(b'"');
}

fn optional_text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => quoted(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// A string of JSON (RFC 8259, section 7): escaped is what must be, in the short form where there is one.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_bytes(rest);
        let (copied, behind) = rest.split_at(plain);
        out.extend_from_slice(copied);
        let Some((byte, behind)) = behind.split_first() else {
            break;
        };
        escape(*byte, out);
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes from the start need no escape. Eight at a time.
fn plain_bytes(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let whole = words
        .iter()
        .take_while(|word| is_plain_word(u64::from_le_bytes(**word)))
        .count()
        * 8;
    let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let tail = &bytes[whole..];
    whole + tail.iter().position(special).unwrap_or(tail.len())
}

/// Whether none of eight bytes is a control character, a quote or a backslash.
fn is_plain_word(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // A byte below n borrows from its high bit when n is taken away; bytes that had the high bit set do not count.
    // A borrow can only make a byte above a special one look special too, so the answer is right for the word.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\') == 0
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let (high, low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// Texts of which many characters are escaped or stand beside those that are.
    pub(super) fn text() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec![
            '"', '\\', '\n', '\u{0}', '\u{1f}', ' ', '!', '#', '[', ']', '\u{7f}',
        ]);
        prop_oneof![
            any::<String>(),
            prop::collection::vec(prop_oneof![special, any::<char>(), Just('a')], 0..60)
                .prop_map(|chars| chars.into_iter().collect()),
        ]
    }

    pub(super) fn message() -> impl Strategy<Value = Message<'static>> {
        let time =
            || (Time::MIN.as_millis()..=Time::MAX.as_millis()).prop_map(|at| Time::from_millis(at).unwrap());
        let texts = (prop::option::of(text()), prop::option::of(text()));
        let raw = || RawValue::from_string(r#"{"a": [1, "é"]}"#.to_owned()).unwrap();
        (
            any::<u64>(),
            texts,
            any::<bool>(),
            time(),
            prop::option::of(time()),
        )
            .prop_map(
                move |(number, (body, sender), metadata, at, deleted_at)| Message {
                    number,
                    body: body.map(Cow::Owned),
                    sender: sender.map(Cow::Owned),
                    metadata: metadata.then(|| Cow::Owned(raw())),
                    created_at: at,
                    updated_at: at,
                    deleted_at,
                    version: number / 3,
                },
            )
    }

    fn hit() -> impl Strategy<Value = Hit<'static>> {
        let range = (0..u64::MAX).prop_map(|start| HighlightRange {
            start,
            end: start + 1,
        });
        let application = "[A-Za-z0-9_-]{16,64}";
        (
            application,
            any::<u64>(),
            message(),
            prop::collection::vec(range, 0..4),
        )
            .prop_map(|(application, chat, message, highlights)| Hit {
                application: Cow::Owned(application),
                chat,
                message,
                highlights,
            })
    }

    proptest! {
        #[test]
        fn messages_are_written_as_serde_writes_them(data in prop::collection::vec(message(), 0..4), more: bool) {
            let page = MessagePage {
                data,
                has_more: more,
                next: more.then_some(Cow::Borrowed("17")),
                as_of: Some(Cow::Borrowed("abc.4")),
            };
            let mut written = Vec::new();
            page.write_json(&mut written).unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&page).unwrap());
        }

        #[test]
        fn hits_are_written_as_serde_writes_them(data in prop::collection::vec(hit(), 0..4), more: bool) {
            let page = SearchPage {
                data,
                has_more: more,
                next: more.then_some(Cow::Borrowed("17")),
                searched_through: (!more).then_some(Cow::Borrowed("abc.4")),
            };
            let mut written = Vec::new();
            page.write_json(&mut written).unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&page).unwrap());
        }
    }

    #[test]
    fn every_byte_at_every_place_of_a_word_is_escaped_as_serde_does() {
        for byte in 0..0x80_u8 {
            for place in 0..17 {
                let mut text = "é".repeat(9);
                text.insert(place & !1, char::from(byte));
                let mut written = Vec::new();
                quoted(&text, &mut written);
                assert_eq!(written, serde_json::to_vec(&text).unwrap(), "{byte} at {place}");
            }
        }
    }
}
