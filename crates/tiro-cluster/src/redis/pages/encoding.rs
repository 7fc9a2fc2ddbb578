//! What a page is in Redis; `docs/data-layout.md` has the format.
//!
//! A value says which page it is and ends in a checksum, so that nothing else is taken for it. It is read by nobody but this
//! program, and what it does not understand is no page.

use std::sync::Arc;

use tiro_core::{
    ApplicationId, Body, Cursor, Epoch, Message, MessageContent, Metadata, Page, Sender, Timestamp,
};

use crate::reads::Home;

/// Of this format; part of every key, so that programs of two versions do not overwrite each other's pages.
pub(super) const VERSION: u8 = 1;

const HAS_CONTENT: u8 = 1;
const HAS_SENDER: u8 = 2;
const HAS_METADATA: u8 = 4;
const IS_DELETED: u8 = 8;

/// A page with the state that it was read in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    application: ApplicationId,
    epoch: Epoch,
    change_position: u64,
    next: Option<u64>,
    items: Vec<Message>,
}

impl Kept {
    /// The page as of `home`; `None` unless it is of the same state of the same chat.
    pub(crate) fn page_at(self, home: &Home) -> Option<Page<Message>> {
        let is_same = self.application == home.application
            && self.epoch == home.cursor.epoch
            && self.change_position == home.change_position;
        is_same.then(|| self.page(home.cursor.clone()))
    }

    /// The page, said to be as of `cursor`.
    pub(crate) fn page(self, cursor: Cursor) -> Page<Message> {
        Page {
            items: self.items,
            next: self.next,
            as_of: Some(cursor),
        }
    }

    pub(super) fn encode(key: &str, home: &Home, page: &Page<Message>) -> Vec<u8> {
        let mut out = Out(vec![VERSION]);
        out.bytes(key.as_bytes());
        out.number(u64::from(home.application.0));
        out.bytes(home.cursor.epoch.as_str().as_bytes());
        out.number(home.change_position);
        // No number is 0, so it says that there is none.
        out.number(page.next.unwrap_or(0));
        out.number(page.items.len() as u64);
        page.items.iter().for_each(|message| out.message(message));
        let Out(mut value) = out;
        let checksum = crc32c::crc32c(&value);
        value.extend_from_slice(&checksum.to_le_bytes());
        value
    }

    /// The page of `key`; `None` if the value is anything else.
    pub(super) fn decode(key: &str, value: &[u8]) -> Option<Kept> {
        let (value, checksum) = value.split_last_chunk::<4>()?;
        if crc32c::crc32c(value) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (version, rest) = value.split_first()?;
        let mut rest = In(rest);
        if *version != VERSION || rest.bytes()? != key.as_bytes() {
            return None;
        }
        let application = ApplicationId(u32::try_from(rest.number()?).ok()?);
        let epoch = Epoch::parse(rest.text()?)?;
        let change_position = rest.number()?;
        let next = Some(rest.number()?).filter(|next| *next > 0);
        let count = rest.number()?;
        let items: Option<Vec<Message>> = (0..count).map(|_| rest.message()).collect();
        rest.0.is_empty().then_some(Kept {
            application,
            epoch,
            change_position,
            next,
            items: items?,
        })
    }
}

/// Writes numbers as LEB128, and texts behind their length.
struct Out(Vec<u8>);

impl Out {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Zigzag, so that small times before another are small, too.
    fn difference(&mut self, time: Timestamp, from: i64) {
        let difference = time.as_millis().wrapping_sub(from);
        self.number(((difference << 1) ^ (difference >> 63)) as u64);
    }

    fn message(&mut self, message: &Message) {
        let content = message.content.as_deref();
        let sender = content.and_then(|content| content.sender.as_ref());
        let metadata = content.and_then(|content| content.metadata.as_ref());
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        self.0.push(
            flag(content.is_some(), HAS_CONTENT)
                | flag(sender.is_some(), HAS_SENDER)
                | flag(metadata.is_some(), HAS_METADATA)
                | flag(message.deleted_at.is_some(), IS_DELETED),
        );
        self.number(message.number);
        self.difference(message.created_at, 0);
        self.difference(message.updated_at, message.created_at.as_millis());
        if let Some(deleted_at) = message.deleted_at {
            self.difference(deleted_at, message.created_at.as_millis());
        }
        self.number(message.version);
        self.number(message.created_position);
        if let Some(content) = content {
            self.bytes(content.body.as_bytes());
        }
        if let Some(sender) = sender {
            self.bytes(sender.as_bytes());
        }
        if let Some(metadata) = metadata {
            self.bytes(metadata.as_str().as_bytes());
        }
    }
}

/// Reads what [`Out`] wrote; `None` is something else.
struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn difference(&mut self, from: i64) -> Option<Timestamp> {
        let zigzag = self.number()?;
        let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        Some(Timestamp::from_millis(from.wrapping_add(difference)))
    }

    fn message(&mut self) -> Option<Message> {
        let flags = self.byte()?;
        let number = self.number()?;
        let created_at = self.difference(0)?;
        let updated_at = self.difference(created_at.as_millis())?;
        let deleted_at = match flags & IS_DELETED {
            0 => None,
            _ => Some(self.difference(created_at.as_millis())?),
        };
        let (version, created_position) = (self.number()?, self.number()?);
        let content = match flags & HAS_CONTENT {
            0 => None,
            _ => Some(Arc::new(self.content(flags)?)),
        };
        Some(Message {
            number,
            content,
            created_at,
            updated_at,
            deleted_at,
            version,
            created_position,
        })
    }

    fn content(&mut self, flags: u8) -> Option<MessageContent> {
        let body = Body::stored(self.text()?);
        let sender = match flags & HAS_SENDER {
            0 => None,
            _ => Some(Sender::stored(self.text()?)),
        };
        let metadata = match flags & HAS_METADATA {
            0 => None,
            _ => Some(Metadata::stored(self.text()?)),
        };
        Some(MessageContent {
            body,
            sender,
            metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tiro.page.1.00.token.1.last.50";

    fn home() -> Home {
        Home {
            application: ApplicationId(7),
            partition: 1,
            cursor: Cursor {
                epoch: Epoch::parse("abc").unwrap(),
                position: 1_000,
            },
            last_message_number: 3,
            change_position: 900,
        }
    }

    fn message(number: u64, content: Option<MessageContent>) -> Message {
        let at = |ms| Timestamp::from_millis(ms);
        Message {
            number,
            deleted_at: content.is_none().then(|| at(-5)),
            content: content.map(Arc::new),
            created_at: at(1_700_000_000_123),
            updated_at: at(1_600_000_000_000),
            version: u64::MAX,
            created_position: number + 2,
        }
    }

    fn page() -> Page<Message> {
        let content = |sender: Option<&str>, metadata: Option<&str>| {
            Some(MessageContent {
                body: Body::stored("世界, hello"),
                sender: sender.map(Sender::stored),
                metadata: metadata.map(Metadata::stored),
            })
        };
        Page {
            items: vec![
                message(1, content(Some("somebody"), Some("{\"a\":1.0}"))),
                message(2, None),
                message(3, content(None, None)),
            ],
            next: Some(1),
            as_of: Some(home().cursor),
        }
    }

    #[test]
    fn a_page_comes_back_as_it_was() {
        for next in [Some(1), None] {
            let page = Page { next, ..page() };
            let value = Kept::encode(KEY, &home(), &page);
            let kept = Kept::decode(KEY, &value).unwrap();
            assert_eq!(kept.page_at(&home()), Some(page));
        }
    }

    #[test]
    fn a_page_of_another_state_or_chat_is_none() {
        let value = Kept::encode(KEY, &home(), &page());
        let kept = || Kept::decode(KEY, &value).unwrap();
        for change_position in [899, 901] {
            let home = Home {
                change_position,
                ..home()
            };
            assert_eq!(kept().page_at(&home), None);
        }
        let mut other = home();
        other.cursor.epoch = Epoch::parse("abd").unwrap();
        assert_eq!(kept().page_at(&other), None);
        let other = Home {
            application: ApplicationId(8),
            ..home()
        };
        assert_eq!(kept().page_at(&other), None);
        assert_eq!(Kept::decode("tiro.page.1.00.token.2.last.50", &value), None);
    }

    #[test]
    fn the_end_of_the_feed_is_that_of_the_look() {
        let mut later = home();
        later.cursor.position += 50;
        let value = Kept::encode(KEY, &home(), &page());
        let shown = Kept::decode(KEY, &value).unwrap().page_at(&later).unwrap();
        assert_eq!(shown.as_of, Some(later.cursor));
    }

    #[test]
    fn what_is_cut_or_damaged_anywhere_is_none() {
        let value = Kept::encode(KEY, &home(), &page());
        for length in 0..value.len() {
            assert_eq!(Kept::decode(KEY, &value[..length]), None, "{length} bytes");
        }
        for at in 0..value.len() {
            let mut damaged = value.clone();
            damaged[at] ^= 1;
            assert_eq!(Kept::decode(KEY, &damaged), None, "byte {at}");
        }
    }

    #[test]
    fn what_has_a_right_checksum_and_makes_no_sense_is_none() {
        let right = Kept::encode(KEY, &home(), &page());
        let body = &right[..right.len() - 4];
        let sealed = |body: &[u8]| [body, &crc32c::crc32c(body).to_le_bytes()].concat();
        assert!(Kept::decode(KEY, &sealed(body)).is_some());
        let mut newer = body.to_vec();
        newer[0] = VERSION + 1;
        assert_eq!(Kept::decode(KEY, &sealed(&newer)), None);
        assert_eq!(Kept::decode(KEY, &sealed(&[body, b"more"].concat())), None);
        for length in 0..body.len() {
            assert_eq!(
                Kept::decode(KEY, &sealed(&body[..length])),
                None,
                "{length} bytes"
            );
        }
    }
}
