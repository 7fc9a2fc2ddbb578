//! What the reference engine answers to reads.

use tiro_core::{
    Application, ApplicationsAfter, Chat, FactSource, Failure, Message, NumberRange, PAGE_BYTES_MAX, Page,
    Rejection, Seen, Stage, Token,
};

use super::state::State;

impl State {
    pub(super) fn live_application(&self, token: &Token) -> Result<&Application, Rejection> {
        let Ok(found) = self.application_by_token(token);
        let application = found
            .and_then(|found| self.applications.get(&found.id))
            .ok_or(Rejection::ApplicationNotFound)?;
        match application.deleted_at {
            None => Ok(application),
            Some(_) => Err(Rejection::ApplicationDeleted),
        }
    }

    pub(super) fn live_chat(&self, token: &Token, number: u64) -> Result<(&Application, &Chat), Rejection> {
        let application = self.live_application(token)?;
        let chat = self
            .chats
            .get(&(application.id, number))
            .ok_or(Rejection::ChatNotFound)?;
        match chat.deleted_at {
            None => Ok((application, chat)),
            Some(_) => Err(Rejection::ChatDeleted),
        }
    }

    pub(super) fn get_application(&self, token: &Token) -> Result<Seen<Application>, Failure> {
        let application = self.live_application(token)?;
        Ok(seen(application, application))
    }

    pub(super) fn get_chat(&self, token: &Token, number: u64) -> Result<Seen<Chat>, Failure> {
        let (application, chat) = self.live_chat(token, number)?;
        Ok(seen(application, chat))
    }

    pub(super) fn get_message(
        &self,
        token: &Token,
        chat: u64,
        number: u64,
    ) -> Result<Seen<Message>, Failure> {
        let (application, chat) = self.live_chat(token, chat)?;
        let message = self
            .messages
            .get(&(application.id, chat.number, number))
            .ok_or(Rejection::MessageNotFound)?;
        match message.deleted_at {
            None => Ok(seen(application, message)),
            Some(_) => Err(Rejection::MessageDeleted.into()),
        }
    }

    pub(super) fn list_applications(
        &self,
        after: Option<&ApplicationsAfter>,
        limit: u32,
    ) -> Page<Application, ApplicationsAfter> {
        let place = |application: &Application| ApplicationsAfter {
            created_at: application.created_at,
            token: application.token.clone(),
        };
        let mut items: Vec<Application> = self
            .applications
            .values()
            .filter(|application| application.stage == Stage::Ready && application.deleted_at.is_none())
            .filter(|application| after.is_none_or(|after| place(application) > *after))
            .cloned()
            .collect();
        items.sort_by_key(place);
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(place);
        Page {
            items,
            next,
            as_of: None,
        }
    }

    pub(super) fn list_chats(&self, token: &Token, range: NumberRange) -> Result<Page<Chat>, Failure> {
        let application = self.live_application(token)?;
        let numbers = range.numbers(application.last_chat_number);
        let mut page = page_at(application);
        for number in numbers.walk() {
            page.items.push(self.chats[&(application.id, number)].clone());
            page.next = numbers.next(number);
        }
        if numbers.downwards {
            page.items.reverse();
        }
        Ok(page)
    }

    pub(super) fn list_chats_by_activity(
        &self,
        token: &Token,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<Chat>, Failure> {
        let application = self.live_application(token)?;
        let mut page = page_at(application);
        page.items = self
            .chats
            .range((application.id, 0)..=(application.id, u64::MAX))
            .map(|(_, chat)| chat)
            .filter(|chat| chat.deleted_at.is_none())
            .filter(|chat| before.is_none_or(|before| chat.activity_position < before))
            .cloned()
            .collect();
        page.items
            .sort_by_key(|chat| std::cmp::Reverse(chat.activity_position));
        let more = page.items.len() > limit as usize;
        page.items.truncate(limit as usize);
        page.next = page
            .items
            .last()
            .filter(|_| more)
            .map(|chat| chat.activity_position);
        Ok(page)
    }

    pub(super) fn list_messages(
        &self,
        token: &Token,
        chat: u64,
        range: NumberRange,
    ) -> Result<Page<Message>, Failure> {
        let (application, chat) = self.live_chat(token, chat)?;
        let numbers = range.numbers(chat.last_message_number);
        let mut page = page_at(application);
        let mut bytes = 0;
        for number in numbers.walk() {
            let message = &self.messages[&(application.id, chat.number, number)];
            bytes += message.bytes();
            page.items.push(message.clone());
            page.next = numbers.next(number);
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
        }
        if numbers.downwards {
            page.items.reverse();
        }
        Ok(page)
    }
}

fn seen<T: Clone>(application: &Application, thing: &T) -> Seen<T> {
    Seen {
        thing: thing.clone(),
        cursor: application.cursor(),
    }
}

pub(super) fn page_at<T>(application: &Application) -> Page<T> {
    Page {
        items: Vec::new(),
        next: None,
        as_of: Some(application.cursor()),
    }
}
