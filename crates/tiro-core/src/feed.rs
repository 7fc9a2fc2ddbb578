//! Reading the feed of an application: pages from any age, and waiting for what comes next.

use crate::{Action, Application, Change, Cursor, Entry, Rejection, Subject, Thing, Token};

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// `application.created`
    ApplicationCreated,
    /// `application.updated`
    ApplicationUpdated,
    /// `application.deleted`
    ApplicationDeleted,
    /// `chat.created`
    ChatCreated,
    /// `chat.updated`
    ChatUpdated,
    /// `chat.deleted`: stands for all its messages and markers
    ChatDeleted,
    /// `message.created`
    MessageCreated,
    /// `message.updated`
    MessageUpdated,
    /// `message.deleted`
    MessageDeleted,
    /// `reader.updated`, also the first time
    ReaderUpdated,
}

impl Change {
    /// What kind of entry it is.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match (&self.subject, self.action) {
            (Subject::Application, Action::Created) => ChangeKind::ApplicationCreated,
            (Subject::Application, Action::Updated) => ChangeKind::ApplicationUpdated,
            (Subject::Application, Action::Deleted) => ChangeKind::ApplicationDeleted,
            (Subject::Chat { .. }, Action::Created) => ChangeKind::ChatCreated,
            (Subject::Chat { .. }, Action::Updated) => ChangeKind::ChatUpdated,
            (Subject::Chat { .. }, Action::Deleted) => ChangeKind::ChatDeleted,
            (Subject::Message { .. }, Action::Created) => ChangeKind::MessageCreated,
            (Subject::Message { .. }, Action::Updated) => ChangeKind::MessageUpdated,
            (Subject::Message { .. }, Action::Deleted) => ChangeKind::MessageDeleted,
            (Subject::Reader { .. }, _) => ChangeKind::ReaderUpdated,
        }
    }
}

/// Which entries of a feed are wanted. Both lists narrow; an empty one that is there lets nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesFilter {
    /// Entries of these chats, their messages and readers; `None` for every entry.
    pub chats: Option<Vec<u64>>,
    /// Entries of these kinds; `None` for every entry.
    pub kinds: Option<Vec<ChangeKind>>,
}

impl ChangesFilter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.chats.is_none() && self.kinds.is_none()
    }

    /// Whether an entry is wanted.
    #[must_use]
    pub fn admits(&self, change: &Change) -> bool {
        let of_chat = |chats: &Vec<u64>| change.subject.chat().is_some_and(|chat| chats.contains(&chat));
        self.chats.as_ref().is_none_or(of_chat)
            && self
                .kinds
                .as_ref()
                .is_none_or(|kinds| kinds.contains(&change.kind()))
    }
}

/// What is answered once the application was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfDeleted {
    /// [`Rejection::ApplicationDeleted`], as for everything else.
    Refuse,
    /// The last entry, `application.deleted`, alone and whatever the filter: a stream says goodbye with it.
    LastEntry,
}

/// A page of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesRequest {
    /// Whose feed.
    pub token: Token,
    /// The place after which it begins; `None` for the beginning.
    pub after: Option<Cursor>,
    /// Most entries, 1 to [`crate::CHANGES_LIMIT_MAX`].
    pub limit: u32,
    /// Which entries.
    pub filter: ChangesFilter,
    /// What if there is no feed any more.
    pub if_deleted: IfDeleted,
}

/// The answer: entries in order, each with its thing if it made the version that was present when the page was read.
///
/// It ends at the limit, at [`crate::PAGE_BYTES_MAX`] of texts, and narrowed after
/// [`crate::CHANGES_LOOKED_AT_MAX`] entries, so it may be empty although `has_more`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What was found.
    pub entries: Vec<Entry>,
    /// From where to go on: after the last entry that was looked at.
    pub next: Cursor,
    /// Whether the feed went on after `next` when the page was begun.
    pub has_more: bool,
    /// The end of the feed when the page was begun.
    pub as_of: Cursor,
}

/// Why waiting for a feed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The feed has gone on.
    Further,
    /// The application was deleted.
    Deleted,
    /// The engine is stopping: nothing more will come.
    Stopping,
}

impl Application {
    /// The position after which a reader of the feed of this live application goes on.
    ///
    /// # Errors
    /// [`Rejection::HistoryChanged`] for a cursor of another epoch or from the future.
    pub fn position_after(&self, after: Option<&Cursor>) -> Result<u64, Rejection> {
        match after {
            None => Ok(0),
            Some(after) if after.epoch == self.epoch && after.position <= self.last_position => {
                Ok(after.position)
            }
            Some(_) => Err(Rejection::HistoryChanged { now: self.cursor() }),
        }
    }

    /// The last entry of the feed of a deleted application, which is all that is left of it. Its key went with the others.
    #[must_use]
    pub fn last_entry(&self) -> Option<Entry> {
        let change = Change {
            position: self.last_position,
            at: self.deleted_at?,
            subject: Subject::Application,
            action: Action::Deleted,
            version: self.version,
            key: None,
        };
        Some(Entry {
            change,
            thing: Some(Thing::Application(self.clone())),
        })
    }
}

impl Changes {
    /// What a stream of a deleted application is told.
    ///
    /// # Errors
    /// [`Rejection::ApplicationDeleted`] for a request that wants nothing else.
    pub fn of_deleted(application: &Application, request: &ChangesRequest) -> Result<Changes, Rejection> {
        let entry = application.last_entry();
        let entry = entry.filter(|_| request.if_deleted == IfDeleted::LastEntry);
        Ok(Changes {
            entries: vec![entry.ok_or(Rejection::ApplicationDeleted)?],
            next: application.cursor(),
            has_more: false,
            as_of: application.cursor(),
        })
    }
}
