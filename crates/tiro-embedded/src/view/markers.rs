//! Markers: by reader with what they say, by chat to be found when the chat goes.

use tiro_core::{ApplicationId, Marker, ReaderName};

use super::rows::decode_marker;
use super::{Snapshot, ViewError, keys};
use crate::encoding::Corrupt;

impl Snapshot {
    pub(crate) fn marker(
        &self,
        id: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, ViewError> {
        let value = self.get(&keys::marker(id, reader, chat))?;
        let marker = value.map(|value| decode_marker(reader, chat, &value));
        marker.transpose().map_err(ViewError::from)
    }

    /// The markers of a reader in chats with a number above `after`, by chat; also those of chats that were deleted and not
    /// yet purged.
    pub(crate) fn markers_of(
        &self,
        id: ApplicationId,
        reader: &ReaderName,
        after: u64,
    ) -> impl Iterator<Item = Result<Marker, ViewError>> + use<> {
        let first = keys::marker(id, reader, after.saturating_add(1));
        let reader = reader.clone();
        let rows = self.range(first..=keys::marker(id, &reader, u64::MAX));
        rows.map(move |row| {
            let (place, value) = row?;
            let chat = keys::last_number(&place).ok_or(Corrupt("a key of a marker"))?;
            Ok(decode_marker(&reader, chat, &value)?)
        })
    }

    /// The readers who have a marker in a chat, by name.
    pub(crate) fn readers_in(
        &self,
        id: ApplicationId,
        chat: u64,
    ) -> impl Iterator<Item = Result<ReaderName, ViewError>> + use<> {
        let first = keys::marker_in_chat(id, chat, "");
        let last = [&first[..], &[0xff]].concat();
        self.range(first..=last).map(|row| {
            let place = row?.0;
            let (_, reader) = keys::chat_and_reader(&place).ok_or(Corrupt("a key of a marker in a chat"))?;
            Ok(ReaderName::stored(reader))
        })
    }
}
