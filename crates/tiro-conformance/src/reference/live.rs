//! Live things, by looking at every one of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tiro_core::{
    ApplicationId, Chat, DeletedNode, DeletedPlace, Failure, LiveRange, Message, NumberedList,
    PAGE_BYTES_MAX, Page, Token,
};

use super::lists::page_at;
use super::state::State;

impl State {
    pub(super) fn list_live_chats(&self, token: &Token, range: LiveRange) -> Result<Page<Chat>, Failure> {
        let application = self.live_application(token)?;
        let of_application = self.chats.range((application.id, 0)..=(application.id, u64::MAX));
        let live: Vec<&Chat> = of_application
            .map(|(_, chat)| chat)
            .filter(|chat| chat.deleted_at.is_none())
            .collect();
        let mut page = page_at(application);
        page.items = counted_off(&live, range).cloned().collect();
        page.next = range.next(page.items.len(), live.len() as u64);
        Ok(page)
    }

    pub(super) fn list_live_messages(
        &self,
        token: &Token,
        chat: u64,
        range: LiveRange,
    ) -> Result<Page<Message>, Failure> {
        let (application, chat) = self.live_chat(token, chat)?;
        let place = |number| (application.id, chat.number, number);
        let live: Vec<&Message> = self
            .messages
            .range(place(0)..=place(u64::MAX))
            .map(|(_, message)| message)
            .filter(|message| message.deleted_at.is_none())
            .collect();
        let mut page = page_at(application);
        let mut bytes = 0;
        for message in counted_off(&live, range) {
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
            bytes += message.bytes();
            page.items.push(message.clone());
        }
        page.next = range.next(page.items.len(), live.len() as u64);
        Ok(page)
    }

    /// What the deleted counts of a list have below one node; `None` if nothing.
    pub(super) fn count_deleted(&self, id: ApplicationId, place: DeletedPlace) -> Option<DeletedNode> {
        let mut words = [0; 4];
        let mut below = BTreeMap::new();
        for number in self.deleted_numbers(id, place.list) {
            if place.list.places_of(number).any(|of_number| of_number == place) {
                let index = ((number - 1) >> (8 * place.level)) as u8;
                words[usize::from(index / 64)] |= 1 << (index % 64);
                *below.entry(index).or_default() += 1;
            }
        }
        if below.is_empty() {
            None
        } else if place.level == 0 {
            Some(DeletedNode::Numbers(words))
        } else {
            Some(DeletedNode::Below(below))
        }
    }

    fn deleted_numbers(&self, id: ApplicationId, list: NumberedList) -> Vec<u64> {
        match list {
            NumberedList::Chats => {
                let all: RangeInclusive<_> = (id, 0)..=(id, u64::MAX);
                let chats = self.chats.range(all).map(|(_, chat)| chat);
                let deleted = chats.filter(|chat| chat.deleted_at.is_some());
                deleted.map(|chat| chat.number).collect()
            }
            NumberedList::Messages { chat } => {
                let all: RangeInclusive<_> = (id, chat, 0)..=(id, chat, u64::MAX);
                let messages = self.messages.range(all).map(|(_, message)| message);
                let deleted = messages.filter(|message| message.deleted_at.is_some());
                deleted.map(|message| message.number).collect()
            }
        }
    }
}

fn counted_off<'a, T>(live: &'a [&'a T], range: LiveRange) -> impl Iterator<Item = &'a T> {
    let skip = usize::try_from(range.skip).unwrap_or(usize::MAX);
    live.iter().skip(skip).take(range.limit as usize).copied()
}
