//! Search: where, for what, and page by page.

use tiro_api::SearchPage;

use crate::{Client, Error};

/// Where to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchScope<'a> {
    /// In one chat.
    Chat {
        /// The token of its application.
        token: &'a str,
        /// Its number.
        number: u64,
    },
    /// In one application, by its token.
    Application(&'a str),
    /// In all applications; needs the operator key, if the server has one.
    Everything,
}

/// What a server does whose index is too far behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfBehind {
    /// It refuses: 503 `search_behind`. This client then asks again within its patience.
    #[default]
    Refuse,
    /// It answers what is found up to the page's `searched_through`.
    AnswerInPart,
}

/// For what, and which page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Terms between white space; `"several words"` are one term.
    pub query: String,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Most hits of the page, 1 to 200.
    pub limit: Option<u32>,
    /// What to do if the index is behind.
    pub if_behind: IfBehind,
}

impl Search {
    /// The first page for a query.
    #[must_use]
    pub fn of(query: impl Into<String>) -> Search {
        Search {
            query: query.into(),
            ..Search::default()
        }
    }

    /// The page behind a page's `next`.
    #[must_use]
    pub fn after(self, next: impl Into<String>) -> Search {
        Search {
            after: Some(next.into()),
            ..self
        }
    }

    /// The same with at most `limit` hits.
    #[must_use]
    pub fn limit(self, limit: u32) -> Search {
        Search {
            limit: Some(limit),
            ..self
        }
    }

    /// The same with what is there if the index is behind.
    #[must_use]
    pub fn in_part(self) -> Search {
        Search {
            if_behind: IfBehind::AnswerInPart,
            ..self
        }
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![("q", self.query.clone())];
        parameters.extend(self.after.clone().map(|after| ("after", after)));
        parameters.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        if self.if_behind == IfBehind::AnswerInPart {
            parameters.push(("partial", "true".to_owned()));
        }
        parameters
    }
}

impl Client {
    /// A page of the messages that contain every term, the newest creation first. It may be empty although the search
    /// goes on: only without a `next` is there no more.
    ///
    /// # Errors
    /// Those of any request; 422 if the text is no query.
    pub async fn search(
        &self,
        scope: SearchScope<'_>,
        search: &Search,
    ) -> Result<SearchPage<'static>, Error> {
        let parameters = search.parameters();
        let found = match scope {
            SearchScope::Chat { token, number } => {
                let chat = number.to_string();
                let path = ["v1", "applications", token, "chats", &chat, "messages", "search"];
                self.get(&path, &parameters).await?
            }
            SearchScope::Application(token) => {
                let path = ["v1", "applications", token, "search"];
                self.get(&path, &parameters).await?
            }
            SearchScope::Everything => self.get(&["v1", "search"], &parameters).await?,
        };
        Ok(found.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_sent() {
        assert_eq!(Search::of("a b").parameters(), [("q", "a b".to_owned())]);
        let second = Search::of("a").after("n").limit(3).in_part();
        let wanted = [("q", "a"), ("after", "n"), ("limit", "3"), ("partial", "true")];
        assert_eq!(
            second.parameters(),
            wanted.map(|(name, value)| (name, value.to_owned()))
        );
    }
}
