//! A page of messages: new ones from memory, the others from the view, block by block.

use tiro_core::{ApplicationId, Failure, Message, NumberRange, Numbers, PAGE_BYTES_MAX, Page};

use super::Head;
use crate::encoding::Corrupt;
use crate::generation::Generation;
use crate::planted;
use crate::recent::{Below, Recent};
use crate::view::ViewError;
use crate::view::keys::{block_first_number, message_block};

pub(super) fn page(
    recent: &Recent,
    id: ApplicationId,
    chat: u64,
    range: NumberRange,
) -> Result<Page<Message>, Failure> {
    let ((head, mut found), below) = recent.look(|active| {
        let found = active.chat(id, chat).map(|row| {
            let numbers = range.numbers(row.last_message_number);
            Found::in_generation(active, id, chat, numbers)
        });
        (
            Head::in_generation(active, id, chat, |row| row.last_message_number),
            found,
        )
    });
    let (cursor, last_message_number) = head.complete(&below, id, chat)?;
    let numbers = range.numbers(last_message_number);
    let found = found.get_or_insert_with(|| Found::nothing(numbers));
    found.fill_from_below(&below, id, chat)?;
    let mut page = take(found, numbers)?;
    page.as_of = Some(cursor);
    Ok(page)
}

/// The messages of a page in walking order, until it is full.
fn take(found: &mut Found, numbers: Numbers) -> Result<Page<Message>, Failure> {
    let mut items = Vec::with_capacity(found.messages.len());
    let mut bytes = 0;
    let mut reached = None;
    for number in numbers.walk() {
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
        let message = found
            .slot(number)
            .take()
            .ok_or(ViewError::Row(Corrupt("a message is missing")))?;
        bytes += message.bytes();
        items.push(message);
        reached = Some(number);
    }
    planted::shorten(&mut items);
    if numbers.downwards {
        items.reverse();
    }
    let next = reached.and_then(|reached| numbers.next(reached));
    Ok(Page {
        items,
        next,
        as_of: None,
    })
}

/// One slot a number of a page, in ascending order.
struct Found {
    first: u64,
    messages: Vec<Option<Message>>,
}

impl Found {
    fn nothing(numbers: Numbers) -> Found {
        let count = numbers.walk().count();
        Found {
            first: numbers.first,
            messages: vec![None; count],
        }
    }

    fn slot(&mut self, number: u64) -> &mut Option<Message> {
        let index = usize::try_from(number - self.first).expect("a page is short");
        &mut self.messages[index]
    }

    fn in_generation(generation: &Generation, id: ApplicationId, chat: u64, numbers: Numbers) -> Found {
        let mut found = Found::nothing(numbers);
        found.fill_from(generation, id, chat);
        found
    }

    fn fill_from(&mut self, generation: &Generation, id: ApplicationId, chat: u64) {
        let Some(rows) = generation.chats.get(&(id, chat)) else {
            return;
        };
        for (number, slot) in (self.first..=u64::MAX).zip(&mut self.messages) {
            if slot.is_none() {
                *slot = rows.message(number).cloned();
            }
        }
    }

    fn fill_from_below(&mut self, below: &Below, id: ApplicationId, chat: u64) -> Result<(), ViewError> {
        if let Some(frozen) = below.frozen() {
            self.fill_from(frozen, id, chat);
        }
        let mut number = self.first;
        let end = self.first + self.messages.len() as u64;
        while number < end {
            let block = message_block(number);
            let block_end = block_first_number(block + 1).min(end);
            if (number..block_end).any(|number| self.slot(number).is_none()) {
                let messages = below.view.cached_messages_in_block(id, chat, block)?;
                let wanted = messages
                    .iter()
                    .filter(|message| (number..block_end).contains(&message.number));
                wanted.for_each(|message| self.keep(message));
            }
            number = block_end;
        }
        Ok(())
    }

    fn keep(&mut self, message: &Message) {
        self.slot(message.number).get_or_insert_with(|| message.clone());
    }
}
