//! Export: whole feeds from one state of the view, a piece at a time, on threads that may block.

use std::sync::Arc;

use tiro_core::{
    Action, Application, Change, Entry, Export, Exported, Failure, Message, Pending, Rejection, Stage,
    Subject, Thing, Token,
};

use crate::encoding::Corrupt;
use crate::open::applications;
use crate::recent::Recent;
use crate::view::keys::{change_block, message_block};
use crate::view::{Snapshot, ViewError};

/// Entries of one piece.
const ENTRIES_MAX: usize = 1_000;
/// Bytes of texts of one piece, but for the last entry.
const BYTES_MAX: usize = 2 * 1024 * 1024;

type Applications = Box<dyn Iterator<Item = Result<Application, ViewError>> + Send>;

/// What is left of an export.
struct Walk {
    snapshot: Arc<Snapshot>,
    applications: Applications,
    feed: Option<Feed>,
}

struct Running(Option<Walk>);

/// Waits for the view and begins.
pub(crate) async fn begin(recent: Arc<Recent>, token: Option<Token>) -> Result<Box<dyn Export>, Failure> {
    let walk = blocking(move || {
        let snapshot = recent.settle()?;
        let applications: Applications = match token {
            None => Box::new(applications(&snapshot).filter(|row| !row.as_ref().is_ok_and(is_restoring))),
            Some(token) => Box::new(std::iter::once(Ok(one(&snapshot, &token)?))),
        };
        Ok(Walk {
            snapshot,
            applications,
            feed: None,
        })
    });
    Ok(Box::new(Running(Some(walk.await?))))
}

fn one(snapshot: &Snapshot, token: &Token) -> Result<Application, Failure> {
    let id = snapshot
        .application_id(token)?
        .ok_or(Rejection::ApplicationNotFound)?;
    crate::reads::live_application(snapshot.application(id)?)
}

fn is_restoring(application: &Application) -> bool {
    application.stage != Stage::Ready
}

impl Export for Running {
    fn next(&mut self) -> Pending<'_, Option<Exported>> {
        Box::pin(async move {
            let Some(mut walk) = self.0.take() else {
                return Ok(None);
            };
            let (walk, piece) = blocking(move || {
                let piece = walk.next()?;
                Ok((walk, piece))
            })
            .await?;
            self.0 = piece.is_some().then_some(walk);
            Ok(piece)
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Failure::Internal(format!("an export ended: {error}"))))
}

impl Walk {
    fn next(&mut self) -> Result<Option<Exported>, Failure> {
        if let Some(feed) = &mut self.feed {
            let entries = feed.entries(&self.snapshot)?;
            if !entries.is_empty() {
                return Ok(Some(Exported::Entries(entries)));
            }
        }
        let Some(application) = self.applications.next().transpose()? else {
            return Ok(None);
        };
        let feed = Feed::of(&application);
        self.feed = Some(feed);
        Ok(Some(Exported::Application(application)))
    }
}

/// The entries of one application that are still to come. Remembers the blocks read last.
pub(crate) struct Feed {
    application: Application,
    next_position: u64,
    changes: Vec<Change>,
    messages: Option<(u64, u64, Vec<Message>)>,
    chat: Option<tiro_core::Chat>,
}

impl Feed {
    /// All entries; of a deleted application only the last.
    pub(crate) fn of(application: &Application) -> Feed {
        let next_position = if application.deleted_at.is_some() {
            application.last_position
        } else {
            1
        };
        let application = application.clone();
        Feed {
            application,
            next_position,
            changes: Vec::new(),
            messages: None,
            chat: None,
        }
    }

    /// The next piece; empty at the end.
    pub(crate) fn entries(&mut self, snapshot: &Snapshot) -> Result<Vec<Entry>, ViewError> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        while entries.len() < ENTRIES_MAX
            && bytes < BYTES_MAX
            && self.next_position <= self.application.last_position
        {
            let entry = self.entry(snapshot, self.next_position)?;
            if let Some(Thing::Message(message)) = &entry.thing {
                bytes += message.bytes();
            }
            entries.push(entry);
            self.next_position += 1;
        }
        Ok(entries)
    }

    fn entry(&mut self, snapshot: &Snapshot, position: u64) -> Result<Entry, ViewError> {
        if let Some(deleted_at) = self.application.deleted_at {
            let change = Change {
                position,
                at: deleted_at,
                subject: Subject::Application,
                action: Action::Deleted,
                version: self.application.version,
                key: None,
            };
            return Ok(Entry {
                change,
                thing: Some(Thing::Application(self.application.clone())),
            });
        }
        let change = self.change(snapshot, position)?;
        let thing = self.thing(snapshot, &change)?;
        Ok(Entry { change, thing })
    }

    fn change(&mut self, snapshot: &Snapshot, position: u64) -> Result<Change, ViewError> {
        let block = change_block(position);
        if self
            .changes
            .first()
            .is_none_or(|first| change_block(first.position) != block)
        {
            self.changes = snapshot.changes_in_block(self.application.id, block)?;
        }
        let found = self.changes.iter().find(|change| change.position == position);
        Ok(found.cloned().ok_or(Corrupt("a change is missing"))?)
    }

    /// The thing, if the change made its present version.
    fn thing(&mut self, snapshot: &Snapshot, change: &Change) -> Result<Option<Thing>, ViewError> {
        Ok(match change.subject {
            Subject::Application => {
                let current = change.version == self.application.version;
                current.then(|| Thing::Application(self.application.clone()))
            }
            Subject::Chat { chat } => {
                let chat = self.chat(snapshot, chat)?;
                (change.version == chat.version).then_some(Thing::Chat(chat))
            }
            Subject::Message { chat, number } => {
                if self.chat(snapshot, chat)?.deleted_at.is_some() {
                    return Ok(None);
                }
                let message = self.message(snapshot, chat, number)?;
                (change.version == message.version).then_some(Thing::Message(message))
            }
        })
    }

    fn chat(&mut self, snapshot: &Snapshot, number: u64) -> Result<tiro_core::Chat, ViewError> {
        if self.chat.as_ref().is_none_or(|chat| chat.number != number) {
            self.chat = Some(
                snapshot
                    .chat(self.application.id, number)?
                    .ok_or(Corrupt("a chat is missing"))?,
            );
        }
        Ok(self.chat.clone().expect("set above"))
    }

    fn message(&mut self, snapshot: &Snapshot, chat: u64, number: u64) -> Result<Message, ViewError> {
        let (id, block) = (self.application.id, message_block(number));
        if self
            .messages
            .as_ref()
            .is_none_or(|(of, known, _)| (*of, *known) != (chat, block))
        {
            self.messages = Some((chat, block, snapshot.messages_in_block(id, chat, block)?));
        }
        let known = self
            .messages
            .as_ref()
            .and_then(|(.., messages)| messages.iter().find(|one| one.number == number));
        Ok(known.cloned().ok_or(Corrupt("a message is missing"))?)
    }
}
