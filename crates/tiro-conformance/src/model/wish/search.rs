//! A search, in plain values.

use tiro_core::{Limits, Query, SearchScope};

use super::token;

/// A search, walked to its end in pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) within: Within,
    /// One term or two.
    pub(crate) query: String,
    pub(crate) limit: u32,
}

/// Where to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    Chat { app: u8, chat: u64 },
    Application { app: u8 },
    Everything,
}

impl Search {
    pub(crate) fn scope(&self) -> SearchScope {
        match self.within {
            Within::Chat { app, chat } => SearchScope::Chat {
                token: token(app),
                number: chat,
            },
            Within::Application { app } => SearchScope::Application(token(app)),
            Within::Everything => SearchScope::Everything,
        }
    }

    pub(crate) fn query(&self) -> Query {
        Query::parse(&self.query, &Limits::default()).expect("the model makes queries")
    }
}
