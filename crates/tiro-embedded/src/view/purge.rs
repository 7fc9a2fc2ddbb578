//! Taking the bytes of deleted chats and applications out of the view, a bounded number of rows a round.
//!
//! A `G` row says what is left to do; it goes with the last row below it. Until then all of it is hidden by the
//! tombstone above, so how far this has come is never visible.

use tiro_core::ApplicationId;

use super::ViewError;
use super::apply::Round;
use super::keys::{Kind, chat_and_reader, key, last_number, marker};
use crate::encoding::Corrupt;

/// Most rows removed in one round.
const ROWS_MAX: usize = 5_000;

/// What lies below a chat.
const BELOW_CHAT: [Kind; 4] = [
    Kind::MessageBlock,
    Kind::Message,
    Kind::Deleted,
    Kind::MarkerInChat,
];
/// What lies below an application; its own row and its token stay.
const BELOW_APPLICATION: [Kind; 10] = [
    Kind::MessageBlock,
    Kind::Message,
    Kind::Deleted,
    Kind::Chat,
    Kind::ChatByActivity,
    Kind::ChangeBlock,
    Kind::Change,
    Kind::Key,
    Kind::MarkerInChat,
    Kind::Marker,
];

/// Whether there is more to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purged {
    /// Nothing is left.
    All,
    /// Call again in the next round.
    Some,
}

impl Round<'_> {
    /// Removes up to a bound of rows below deleted things, as the state before this round knows them.
    pub(crate) fn purge(&mut self) -> Result<Purged, ViewError> {
        let mut left = ROWS_MAX;
        let garbage = vec![Kind::Garbage as u8]..=vec![Kind::Garbage as u8 + 1];
        for row in self.before.range(garbage) {
            let (place, _) = row?;
            let (application, chat) = application_and_chat(&place)?;
            left = self.purge_below(application, chat, left)?;
            if left == 0 {
                return Ok(Purged::Some);
            }
            self.remove(place.to_vec());
        }
        Ok(Purged::All)
    }

    /// Answers how many more rows may be removed; 0 if something may be left here.
    fn purge_below(
        &mut self,
        application: ApplicationId,
        chat: u64,
        mut left: usize,
    ) -> Result<usize, ViewError> {
        let (kinds, numbers): (&[Kind], &[u64]) = if chat == 0 {
            (&BELOW_APPLICATION, &[])
        } else {
            (&BELOW_CHAT, std::slice::from_ref(&chat))
        };
        for kind in kinds {
            let first = key(*kind, application, numbers);
            let last = [&first[..], &[0xff; 20]].concat();
            for row in self.before.range(first..=last) {
                if left == 0 {
                    return Ok(0);
                }
                left -= 1;
                let place = row?.0;
                if *kind == Kind::MarkerInChat {
                    let (chat, reader) =
                        chat_and_reader(&place).ok_or(Corrupt("a key of a marker in a chat"))?;
                    self.remove(marker(application, reader, chat));
                }
                self.remove(place.to_vec());
            }
        }
        Ok(left)
    }
}

fn application_and_chat(place: &[u8]) -> Result<(ApplicationId, u64), Corrupt> {
    let application = place
        .get(1..5)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_be_bytes);
    match (application, last_number(place)) {
        (Some(application), Some(chat)) if place.len() == 13 => Ok((ApplicationId(application), chat)),
        _ => Err(Corrupt("a garbage row has another key")),
    }
}
