//! The feed and its readers, by looking at every entry and every message.

use tiro_core::{
    Application, CHANGES_LOOKED_AT_MAX, Change, Changed, Changes, ChangesRequest, Chat, Entry, FactSource,
    Failure, MARKERS_LOOKED_AT_MAX, Marker, PAGE_BYTES_MAX, Page, ReadState, ReaderName, Rejection, Seen,
    Subject, Thing, Token,
};

use super::lists::page_at;
use super::state::State;

impl State {
    pub(super) fn list_changes(&self, request: &ChangesRequest) -> Result<Changes, Failure> {
        let Ok(found) = self.application_by_token(&request.token);
        let application = found.ok_or(Rejection::ApplicationNotFound)?;
        if application.deleted_at.is_some() {
            return Ok(Changes::of_deleted(&application, request)?);
        }
        let after = application.position_after(request.after.as_ref())?;
        let looked_at = if request.filter.is_open() {
            u64::from(request.limit)
        } else {
            CHANGES_LOOKED_AT_MAX
        };
        let (mut entries, mut bytes, mut reached) = (Vec::new(), 0, after);
        let all = (application.id, after + 1)..=(application.id, after.saturating_add(looked_at));
        for change in self.changes.range(all).map(|(_, change)| change) {
            if entries.len() == request.limit as usize || bytes >= PAGE_BYTES_MAX {
                break;
            }
            reached = change.position;
            if request.filter.admits(change) {
                let thing = self.present(&application, change);
                bytes += thing.as_ref().map_or(0, Thing::bytes);
                let change = change.clone();
                entries.push(Entry { change, thing });
            }
        }
        Ok(Changes {
            entries,
            next: application.cursor_at(reached),
            has_more: reached < application.last_position,
            as_of: application.cursor(),
        })
    }

    /// Whether somebody who knows the feed up to a position has something to be told.
    pub(super) fn changed_since(&self, token: &Token, position: u64) -> Result<Option<Changed>, Failure> {
        let Ok(found) = self.application_by_token(token);
        let application = found.ok_or(Rejection::ApplicationNotFound)?;
        if application.deleted_at.is_some() {
            return Ok(Some(Changed::Deleted));
        }
        Ok((application.last_position > position).then_some(Changed::Further))
    }

    /// The thing that a change is about, if the change made its present version.
    pub(super) fn present(&self, application: &Application, change: &Change) -> Option<Thing> {
        let id = application.id;
        let chat = change.subject.chat().map(|chat| &self.chats[&(id, chat)]);
        let is_gone = chat.is_some_and(|chat| chat.deleted_at.is_some());
        let thing = match &change.subject {
            Subject::Application => Thing::Application(application.clone()),
            Subject::Chat { chat } => Thing::Chat(self.chats[&(id, *chat)].clone()),
            Subject::Message { .. } | Subject::Reader { .. } if is_gone => return None,
            Subject::Message { chat, number } => Thing::Message(self.messages[&(id, *chat, *number)].clone()),
            Subject::Reader { chat, reader } => {
                let marker = &self.markers[&(id, *chat, reader.clone())];
                Thing::Reader(self.read_state(application, *chat, marker))
            }
        };
        (thing.version() == change.version).then_some(thing)
    }

    fn read_state(&self, application: &Application, chat: u64, marker: &Marker) -> ReadState {
        let place = |number| (application.id, chat, number);
        let after = self.messages.range(place(marker.read + 1)..=place(u64::MAX));
        let unread = after.filter(|(_, message)| message.deleted_at.is_none()).count();
        marker.state(unread as u64)
    }

    pub(super) fn get_reader(
        &self,
        token: &Token,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Seen<ReadState>, Failure> {
        let (application, chat) = self.live_chat(token, chat)?;
        let Ok(marker) = self.marker(application.id, chat.number, reader);
        let marker = marker.unwrap_or_else(|| Marker::absent(reader, chat.number));
        Ok(Seen {
            thing: self.read_state(application, chat.number, &marker),
            cursor: application.cursor(),
        })
    }

    pub(super) fn list_unread_chats(
        &self,
        token: &Token,
        reader: &ReaderName,
        after: u64,
        limit: u32,
    ) -> Result<Page<ReadState>, Failure> {
        let application = self.live_application(token)?;
        let id = application.id;
        let mut page = page_at(application);
        let markers = self
            .markers
            .range((id, after.saturating_add(1), ReaderName::stored(""))..);
        let of_application = markers.take_while(|((application, ..), _)| *application == id);
        let chats: Vec<u64> = of_application
            .filter(|((_, chat, _), marker)| marker.reader == *reader && is_live(&self.chats[&(id, *chat)]))
            .map(|((_, chat, _), _)| *chat)
            .filter(|chat| *chat > after)
            .collect();
        for (looked_at, chat) in chats.iter().enumerate() {
            if page.items.len() == limit as usize || looked_at == MARKERS_LOOKED_AT_MAX {
                page.next = Some(chats[looked_at - 1]);
                break;
            }
            let state = self.read_state(application, *chat, &self.markers[&(id, *chat, reader.clone())]);
            page.items.extend((state.unread > 0).then_some(state));
        }
        Ok(page)
    }
}

fn is_live(chat: &Chat) -> bool {
    chat.deleted_at.is_none()
}
