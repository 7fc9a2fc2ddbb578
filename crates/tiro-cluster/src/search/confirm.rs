//! Candidates as their rows are in the snapshot: what is deleted, not to be seen or does not match is none.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tiro_core::{ApplicationId, Hit, Matcher, Token};

use super::hits::Hits;
use super::scope::Scope;
use super::tail::Key;
use crate::mysql::rows::{self, MESSAGE_COLUMNS};
use crate::reads::{ReadError, Session, Wanted};

/// Where the token stands, behind the message.
const TOKEN_AT: usize = rows::MESSAGE_COLUMNS_COUNT;

fn live_messages(keys: &[Key]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| format!("({}, {}, {})", key.application.0, key.chat, key.number))
        .collect();
    format!(
        "SELECT {MESSAGE_COLUMNS}, applications.token FROM messages \
         STRAIGHT_JOIN chats ON chats.application = messages.application AND chats.number = messages.chat \
         AND chats.deleted_at IS NULL \
         STRAIGHT_JOIN applications ON applications.id = messages.application AND applications.restoring = 0 \
         AND applications.deleted_at IS NULL \
         WHERE (messages.application, messages.chat, messages.number) IN ({}) AND messages.body IS NOT NULL",
        keys.join(", ")
    )
}

/// Offers those of some messages that match.
pub(super) async fn offer(
    session: &mut Session<'_>,
    scope: &Scope,
    keys: &[Key],
    (matcher, hits): (&mut Matcher<'_>, &mut Hits<'_>),
) -> Result<(), ReadError> {
    let mut tokens: HashMap<ApplicationId, Token, RandomState> = HashMap::default();
    session
        .each_of_text(live_messages(keys), |row| {
            let Some(stored) = rows::message(row, 0)? else {
                return Ok(Wanted::More);
            };
            let body = stored.message.content.as_ref();
            let Some(highlights) = body.and_then(|content| matcher.matches(&content.body)) else {
                return Ok(Wanted::More);
            };
            let token = match tokens.entry(stored.application) {
                std::collections::hash_map::Entry::Occupied(known) => known.get().clone(),
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(rows::token(row, TOKEN_AT)?).clone()
                }
            };
            let hit = Hit {
                application: token,
                chat: stored.chat,
                message: stored.message,
                highlights,
            };
            hits.offer(scope, hit);
            Ok(Wanted::More)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_named_by_their_keys() {
        let key = |number| Key {
            application: ApplicationId(3),
            chat: 4,
            number,
        };
        let text = live_messages(&[key(5), key(6)]);
        assert!(text.contains("IN ((3, 4, 5), (3, 4, 6))"), "{text}");
    }
}
