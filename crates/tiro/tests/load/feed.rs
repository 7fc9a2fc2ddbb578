//! Pages of the feed, from where a position says.

use tiro_client::api::{ChangeType, Entry, EntryData};
use tiro_client::{Client, Error, Feed};
use tiro_conformance::history::{Answer, EntriesShown, EntryKind, EntryShown, Shown};

use super::perform::position;

/// A page behind a position.
pub(super) async fn read(client: &Client, token: &str, after: u64, limit: u64) -> Result<Answer, Error> {
    let limit = u32::try_from(limit).unwrap();
    let feed = match after {
        0 => Feed::default(),
        after => Feed::after(format!("{}.{after}", epoch(client, token).await?)),
    };
    let page = client.changes(token, &feed, limit).await?;
    Ok(Answer {
        position: Some(position(&page.as_of)),
        replayed: false,
        shown: Shown::Entries(EntriesShown {
            items: page.data.iter().map(entry_shown).collect(),
            has_more: page.has_more,
        }),
    })
}

/// What the application's cursors begin with.
pub(crate) async fn epoch(client: &Client, token: &str) -> Result<String, Error> {
    let answer = client.application(token).await?;
    let cursor = answer.cursor.expect("an application has a cursor");
    Ok(cursor.rsplit_once('.').unwrap().0.to_owned())
}

/// An entry as the checker looks at it.
pub(crate) fn entry_shown(entry: &Entry<'_>) -> EntryShown {
    let kind = match entry.type_ {
        ChangeType::ApplicationCreated | ChangeType::ChatCreated | ChangeType::MessageCreated => {
            EntryKind::Created
        }
        ChangeType::ApplicationDeleted | ChangeType::ChatDeleted | ChangeType::MessageDeleted => {
            EntryKind::Deleted
        }
        ChangeType::ApplicationUpdated
        | ChangeType::ChatUpdated
        | ChangeType::MessageUpdated
        | ChangeType::ReaderUpdated => EntryKind::Updated,
    };
    let content = match &entry.data {
        Some(EntryData::Chat(chat)) => chat.title.as_deref(),
        Some(EntryData::Message(message)) => message.body.as_deref(),
        Some(EntryData::Application(_) | EntryData::Reader(_)) | None => None,
    };
    EntryShown {
        position: entry.position,
        kind,
        chat: entry.chat,
        number: entry.number,
        version: entry.version,
        content: content.map(str::to_owned),
    }
}
