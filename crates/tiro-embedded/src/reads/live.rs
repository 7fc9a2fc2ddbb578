//! Pages of live things: which numbers they have is told by the deleted counts, so no tombstone is read.

use tiro_core::{
    ApplicationId, Chat, Failure, LiveRange, Message, NumberedList, PAGE_BYTES_MAX, Page, live_numbers,
};

use super::{live, live_application};
use crate::encoding::Corrupt;
use crate::recent::{Recent, Rows};
use crate::view::ViewError;

/// A count and what it counts do not agree.
pub(crate) const DISAGREES: ViewError =
    ViewError::Row(Corrupt("the deleted counts of a list do not agree with it"));

pub(super) fn chats(recent: &Recent, id: ApplicationId, range: LiveRange) -> Result<Page<Chat>, Failure> {
    recent.in_one_state(id, |rows| {
        let application = live_application(rows.application(id)?)?;
        let (last, live) = (application.last_chat_number, application.chats_count);
        let numbers = numbers(rows, id, NumberedList::Chats, (last, live), range)?;
        let mut items = Vec::with_capacity(numbers.len());
        for number in numbers {
            items.push(rows.chat(id, number)?.ok_or(DISAGREES)?);
        }
        let next = range.next(items.len(), live);
        Ok(Page {
            items,
            next,
            as_of: Some(application.cursor()),
        })
    })
}

pub(super) fn messages(
    recent: &Recent,
    id: ApplicationId,
    chat: u64,
    range: LiveRange,
) -> Result<Page<Message>, Failure> {
    recent.in_one_state(id, |rows| {
        let application = live_application(rows.application(id)?)?;
        let row = rows.chat(id, chat)?;
        let row = live(row.as_ref().ok_or(tiro_core::Rejection::ChatNotFound)?)?;
        let counts = (row.last_message_number, row.messages_count);
        let numbers = numbers(rows, id, NumberedList::Messages { chat }, counts, range)?;
        let (mut items, mut bytes) = (Vec::with_capacity(numbers.len()), 0);
        for number in numbers {
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
            let message = rows.message(id, chat, number)?.ok_or(DISAGREES)?;
            bytes += message.bytes();
            items.push(message);
        }
        let next = range.next(items.len(), row.messages_count);
        Ok(Page {
            items,
            next,
            as_of: Some(application.cursor()),
        })
    })
}

/// The numbers of a page in a list that ends at `last` and has so many `live` things.
fn numbers(
    rows: Rows<'_>,
    id: ApplicationId,
    list: NumberedList,
    (last, live): (u64, u64),
    range: LiveRange,
) -> Result<Vec<u64>, ViewError> {
    let numbers = live_numbers(list, last, range, |place| rows.deleted(id, place))?;
    let expected = live.saturating_sub(range.skip).min(u64::from(range.limit));
    if numbers.len() as u64 == expected {
        Ok(numbers)
    } else {
        Err(DISAGREES)
    }
}
