//! Markers among the facts: whose may be needed, and what they and their entries change.

use std::collections::hash_map;
use std::sync::Arc;

use super::{FactSource, Facts, Row};
use crate::{
    ApplicationId, Change, Command, DeletedNode, DeletedPlace, Marker, MessageContent, Need, NumberedList,
    ReaderName, Thing,
};

impl Facts {
    /// What a command needs of the markers of a chat: those of its senders, if the chat has any; and to say what is unread,
    /// the deleted counts before the marker, wherever it may stand when the command is decided.
    pub(super) fn load_readers<S: FactSource>(
        &mut self,
        id: ApplicationId,
        command: &Command,
        source: &S,
    ) -> Result<(), S::Error> {
        match command {
            Command::CreateMessage { chat, content, .. } => self.load_sender(id, *chat, content, source),
            Command::CreateMessages { chat, messages, .. } => messages
                .iter()
                .try_for_each(|content| self.load_sender(id, *chat, content, source)),
            Command::ImportMessages { chat, lines, .. } => lines
                .iter()
                .try_for_each(|line| self.load_sender(id, *chat, &line.content, source)),
            Command::SetRead {
                chat, reader, read, ..
            } => {
                self.reading.insert((id, *chat));
                self.load_counts(id, (*chat, reader, *read), source)
            }
            _ => Ok(()),
        }
    }

    fn load_sender<S: FactSource>(
        &mut self,
        id: ApplicationId,
        chat: u64,
        content: &MessageContent,
        source: &S,
    ) -> Result<(), S::Error> {
        let Some(sender) = &content.sender else {
            return Ok(());
        };
        let row = self.chats.get(&(id, chat)).and_then(|row| row.value.as_ref());
        let has_markers = row.is_some_and(|row| row.markers_count > 0) || self.reading.contains(&(id, chat));
        if !has_markers {
            return Ok(());
        }
        let reader = &ReaderName::from(sender);
        self.load_need(id, Need::Marker { chat, reader }, source)
    }

    /// The marker may stand where it is, where the command wants it, or at a message of this batch, before which is what
    /// was deleted before the present end.
    fn load_counts<S: FactSource>(
        &mut self,
        id: ApplicationId,
        (chat, reader, read): (u64, &ReaderName, u64),
        source: &S,
    ) -> Result<(), S::Error> {
        let row = self.chats.get(&(id, chat)).and_then(|row| row.value.as_ref());
        let Some(last) = row.map(|row| row.last_message_number) else {
            return Ok(());
        };
        let known = self.markers.get(&(id, chat, reader.clone()));
        let known = known
            .and_then(|row| row.value.as_ref())
            .map_or(0, |marker| marker.read);
        let list = NumberedList::Messages { chat };
        [read.min(last), known, last]
            .into_iter()
            .flat_map(|number| list.places_through(number))
            .try_for_each(|place| self.load_need(id, Need::Deleted(place), source))
    }

    pub(super) fn load_marker<S: FactSource>(
        &mut self,
        id: ApplicationId,
        (chat, reader): (u64, &ReaderName),
        source: &S,
    ) -> Result<(), S::Error> {
        if let hash_map::Entry::Vacant(e) = self.markers.entry((id, chat, reader.clone())) {
            e.insert(Row::loaded(source.marker(id, chat, reader)?));
        }
        Ok(())
    }

    /// How far a reader has read in a chat.
    #[must_use]
    pub fn marker(&self, application: ApplicationId, chat: u64, reader: &ReaderName) -> Option<&Marker> {
        match self.markers.get(&(application, chat, reader.clone())) {
            Some(row) => row.value.as_ref(),
            None => self.unknown(application),
        }
    }

    /// What was deleted below a node. What was not loaded lies after the end that the chat had before this batch.
    pub(crate) fn deleted(
        &self,
        application: ApplicationId,
        place: DeletedPlace,
    ) -> Option<Arc<DeletedNode>> {
        let row = self.deleted.get(&(application, place));
        row.and_then(|row| row.value.clone())
    }

    /// Markers that events changed.
    pub fn changed_markers(&self) -> impl Iterator<Item = (ApplicationId, &Marker)> {
        let changed = self.markers.iter().filter(|(_, row)| row.changed);
        changed.filter_map(|((application, ..), row)| row.value.as_ref().map(|marker| (*application, marker)))
    }

    pub(super) fn move_reader(&mut self, id: ApplicationId, position: u64, marker: &Marker) {
        self.application_mut(id, position);
        let chat = self.chat_mut(id, marker.chat, position);
        chat.markers_count += u64::from(marker.version == 1);
        let row = Row {
            value: Some(marker.clone()),
            changed: true,
        };
        self.markers.insert((id, marker.chat, marker.reader.clone()), row);
    }

    /// Where the marker stands is told by its last entry; the ones before say only that there were some.
    pub(super) fn restore_reader(
        &mut self,
        id: ApplicationId,
        (chat, reader): (u64, &ReaderName),
        (change, thing): (&Change, Option<&Thing>),
    ) {
        let known = self.marker(id, chat, reader).map_or(0, |known| known.read);
        let read = match thing {
            Some(Thing::Reader(state)) => state.read,
            _ => known,
        };
        let marker = Marker {
            reader: reader.clone(),
            chat,
            read,
            version: change.version,
        };
        self.move_reader(id, change.position, &marker);
    }
}
