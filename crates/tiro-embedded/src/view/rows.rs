//! The values of rows that hold more than one thing, or a number.

use tiro_core::{ApplicationId, Change, DeletedNode, Marker, Message, ReaderName};

use crate::encoding::{Corrupt, Decoder, Encoder};
use crate::log::{LogPoint, POINT_BYTES};

/// Version of the keys and values of the view; a view of another version is made anew from the log.
const VIEW_VERSION: u8 = 2;

/// How far the view has followed the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything before this point is in the view.
    pub(crate) applied: LogPoint,
    /// The number that the next application gets.
    pub(crate) next_application: ApplicationId,
}

impl Progress {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = vec![VIEW_VERSION];
        value.extend_from_slice(&self.applied.encode());
        Encoder::new(&mut value).application_id(self.next_application);
        value
    }

    /// The progress, unless another version of Tiro wrote it.
    pub(crate) fn decode(value: &[u8]) -> Result<Progress, Corrupt> {
        let mut decoder = Decoder::new(value);
        if decoder.byte()? != VIEW_VERSION {
            return Err(Corrupt("the view has another version"));
        }
        let point: &[u8; POINT_BYTES] = decoder
            .raw(POINT_BYTES)?
            .try_into()
            .map_err(|_| Corrupt("a log point has another length"))?;
        let progress = Progress {
            applied: LogPoint::decode(point),
            next_application: decoder.application_id()?,
        };
        decoder.end()?;
        Ok(progress)
    }
}

pub(crate) fn encoded(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut value = Vec::new();
    write(&mut Encoder::new(&mut value));
    value
}

pub(crate) fn decoded<'a, T>(
    value: &'a [u8],
    read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Corrupt>,
) -> Result<T, Corrupt> {
    let mut decoder = Decoder::new(value);
    let thing = read(&mut decoder)?;
    decoder.end()?;
    Ok(thing)
}

pub(crate) fn encode_messages<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<u8> {
    encoded(|encoder| messages.into_iter().for_each(|message| encoder.message(message)))
}

pub(crate) fn decode_messages(value: &[u8]) -> Result<Vec<Message>, Corrupt> {
    let mut decoder = Decoder::new(value);
    let mut messages = Vec::new();
    while !decoder.is_empty() {
        messages.push(decoder.message()?);
    }
    Ok(messages)
}

/// The message of a block that has so many `before` it; those are passed over.
pub(crate) fn decode_message_after(value: &[u8], before: u64) -> Result<Message, Corrupt> {
    let mut decoder = Decoder::new(value);
    for _ in 0..before {
        decoder.skip_message()?;
    }
    decoder.message()
}

pub(crate) fn encode_changes(changes: &[Change]) -> Vec<u8> {
    encoded(|encoder| changes.iter().for_each(|change| encoder.change(change)))
}

pub(crate) fn decode_changes(value: &[u8]) -> Result<Vec<Change>, Corrupt> {
    let mut decoder = Decoder::new(value);
    let mut changes = Vec::new();
    while !decoder.is_empty() {
        changes.push(decoder.change()?);
    }
    Ok(changes)
}

/// Reader and chat are in the key.
pub(crate) fn encode_marker(marker: &Marker) -> Vec<u8> {
    encoded(|encoder| {
        encoder.number(marker.read);
        encoder.number(marker.version);
    })
}

pub(crate) fn decode_marker(reader: &ReaderName, chat: u64, value: &[u8]) -> Result<Marker, Corrupt> {
    decoded(value, |decoder| {
        Ok(Marker {
            reader: reader.clone(),
            chat,
            read: decoder.number()?,
            version: decoder.number()?,
        })
    })
}

/// A node of the lowest level is 256 bits, four words little-endian; one of another level is pairs of a byte, which of its
/// nodes, and a number, how many were deleted below it.
pub(crate) fn encode_deleted(node: &DeletedNode) -> Vec<u8> {
    encoded(|encoder| match node {
        DeletedNode::Numbers(words) => words.iter().for_each(|word| encoder.raw(&word.to_le_bytes())),
        DeletedNode::Below(counts) => counts.iter().for_each(|(index, count)| {
            encoder.byte(*index);
            encoder.number(*count);
        }),
    })
}

/// The node of a place, whose level says which form it has.
pub(crate) fn decode_deleted(level: u8, value: &[u8]) -> Result<DeletedNode, Corrupt> {
    if level == 0 {
        let (words, rest) = value.as_chunks::<8>();
        let words = <&[[u8; 8]; 4]>::try_from(words).ok().filter(|_| rest.is_empty());
        let words = words.ok_or(Corrupt("a block of deleted numbers is not 256 bits"))?;
        return Ok(DeletedNode::Numbers(words.map(u64::from_le_bytes)));
    }
    let mut decoder = Decoder::new(value);
    let mut counts = std::collections::BTreeMap::new();
    while !decoder.is_empty() {
        counts.insert(decoder.byte()?, decoder.number()?);
    }
    Ok(DeletedNode::Below(counts))
}

/// The number that a row holds.
pub(crate) fn decode_number(value: &[u8]) -> Result<u64, Corrupt> {
    decoded(value, Decoder::number)
}

pub(crate) fn encode_number(number: u64) -> Vec<u8> {
    encoded(|encoder| encoder.number(number))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tiro_core::{Body, MessageContent, Metadata, Sender, Timestamp};

    use super::*;

    /// Messages with and without each part that may be absent.
    fn messages() -> Vec<Message> {
        let message = |number: u64| {
            let content = MessageContent {
                body: Body::stored(&"b".repeat(number as usize * 50)),
                sender: number.is_multiple_of(2).then(|| Sender::stored("sender")),
                metadata: number.is_multiple_of(3).then(|| Metadata::stored("{}")),
            };
            Message {
                number,
                content: (number != 5).then(|| Arc::new(content)),
                created_at: Timestamp::from_millis(-1),
                updated_at: Timestamp::from_millis(1 << 40),
                deleted_at: (number == 5).then(|| Timestamp::from_millis(7)),
                version: number,
                created_position: number * 1_000,
            }
        };
        (1..=16).map(message).collect()
    }

    #[test]
    fn one_message_of_a_block_is_the_one_that_the_whole_block_has_there() {
        let messages = messages();
        let value = encode_messages(&messages);
        assert_eq!(decode_messages(&value).unwrap(), messages);
        for (before, message) in (0..).zip(&messages) {
            assert_eq!(decode_message_after(&value, before).as_ref(), Ok(message));
        }
        assert!(decode_message_after(&value, 16).is_err());
    }
}
