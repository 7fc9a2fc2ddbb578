//! A search as the port sees it: where, for what, from which place on, and what was found.

use std::time::Duration;

use crate::{Cursor, Message, Token};

use super::{Highlight, HitPlace, Query, SearchAfter};

/// Where to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchScope {
    /// In one chat.
    Chat {
        /// Its application.
        token: Token,
        /// Its number.
        number: u64,
    },
    /// In all chats of one application.
    Application(Token),
    /// In all applications; for operators.
    Everything,
}

/// What to do if the index is so far behind that the rest cannot be read in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfBehind {
    /// Refuse with [`SearchBehind`].
    Refuse,
    /// Answer what is there; [`Found::searched_through`] says how far that is.
    AnswerInPart,
}

/// A wish for one page of hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// Where.
    pub scope: SearchScope,
    /// For what.
    pub query: Query,
    /// From where to go on; `None` begins with the newest message. Of the kind that the scope has
    /// ([`SearchAfter::parse`] sees to that).
    pub after: Option<SearchAfter>,
    /// Most hits, 1 to [`crate::PAGE_LIMIT_MAX`].
    pub limit: u32,
    /// What to do if the index is behind.
    pub if_behind: IfBehind,
}

/// A message that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its application.
    pub application: Token,
    /// Its chat.
    pub chat: u64,
    /// The message as it is now; never a tombstone.
    pub message: Message,
    /// Where in its body; at least one.
    pub highlights: Vec<Highlight>,
}

impl Hit {
    /// Where it stands among hits.
    #[must_use]
    pub fn place(&self) -> HitPlace {
        HitPlace {
            created_at: self.message.created_at,
            token: self.application.clone(),
            position: self.message.created_position,
        }
    }
}

/// A page of hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Newest creation first. A page may end early at [`crate::PAGE_BYTES_MAX`], and at a deadline, even empty.
    pub hits: Vec<Hit>,
    /// From where to go on; `None` if there is no more. It may lie behind the last hit: as far as was looked.
    pub next: Option<SearchAfter>,
    /// The place in the feed up to which every message was searched; `None` over everything.
    pub searched_through: Option<Cursor>,
}

/// What comes of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    /// A page of hits.
    Found(Found),
    /// Only with [`IfBehind::Refuse`].
    Behind(SearchBehind),
}

/// The index is too far behind to answer, and the request did not want an answer in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchBehind {
    /// The place in the feed that the index has reached; `None` over everything.
    pub searched_through: Option<Cursor>,
    /// When it is worth asking again.
    pub retry_after: Duration,
}
