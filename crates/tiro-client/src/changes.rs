//! The feed of an application: which entries, and pages of them.

use std::time::Duration;

use tiro_api::{ChangePage, ChangeType};

use crate::{Client, Error};

/// Which part of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// A cursor: only what comes behind it. Without one a page is the first, and a stream begins now.
    pub after: Option<String>,
    /// Only entries of these chats; empty for all.
    pub chats: Vec<u64>,
    /// Only entries of these types; empty for all.
    pub types: Vec<ChangeType>,
}

impl Feed {
    /// What comes behind a cursor: an `as_of` or `next` of a page, or the cursor of an [`crate::Answer`].
    #[must_use]
    pub fn after(cursor: impl Into<String>) -> Feed {
        Feed {
            after: Some(cursor.into()),
            ..Feed::default()
        }
    }

    /// The same with only the entries of one more chat.
    #[must_use]
    pub fn chat(mut self, chat: u64) -> Feed {
        self.chats.push(chat);
        self
    }

    /// The same with only the entries of one more type.
    #[must_use]
    pub fn of_type(mut self, type_: ChangeType) -> Feed {
        self.types.push(type_);
        self
    }

    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let after = self.after.iter().map(|after| ("after", after.clone()));
        let chats = self.chats.iter().map(|chat| ("chat", chat.to_string()));
        let types = self.types.iter().map(|type_| ("type", type_.to_string()));
        after.chain(chats).chain(types).collect()
    }
}

impl Client {
    /// A page of at most `limit` entries, 1 to 1,000. It may be empty although the feed goes on: only its `has_more`
    /// tells, and its `next` is where to go on.
    ///
    /// # Errors
    /// Those of any request; 409 `history_changed` for a cursor of another history.
    pub async fn changes(&self, token: &str, feed: &Feed, limit: u32) -> Result<ChangePage<'static>, Error> {
        self.changes_within(token, feed, limit, Duration::ZERO).await
    }

    /// The same, but where there is nothing yet the server waits for an entry, up to so many whole seconds. The wait
    /// is one of [`crate::Patience::answer`]: choose it below that.
    ///
    /// # Errors
    /// As [`Client::changes`].
    pub async fn changes_within(
        &self,
        token: &str,
        feed: &Feed,
        limit: u32,
        wait: Duration,
    ) -> Result<ChangePage<'static>, Error> {
        let mut query = feed.query();
        query.push(("limit", limit.to_string()));
        if !wait.is_zero() {
            query.push(("wait", wait.as_secs().to_string()));
        }
        Ok(self
            .get(&["v1", "applications", token, "changes"], &query)
            .await?
            .value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_sent() {
        assert_eq!(Feed::default().query(), []);
        let feed = Feed::after("abc.4")
            .chat(1)
            .chat(7)
            .of_type(ChangeType::ChatDeleted);
        let wanted = [
            ("after", "abc.4"),
            ("chat", "1"),
            ("chat", "7"),
            ("type", "chat.deleted"),
        ];
        assert_eq!(feed.query(), wanted.map(|(name, value)| (name, value.to_owned())));
    }
}
