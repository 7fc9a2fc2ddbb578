//! Where messages stand among hits.

use tiro_core::{HitPlace, SearchAfter, Timestamp, Token};

/// Where a message stands among hits; ascending is oldest first. Within an application only the position counts, and
/// over everything the time, then the token, then the position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    at: i64,
    token: Option<Token>,
    position: u64,
}

impl Place {
    /// In a chat or an application.
    pub(super) fn inside(position: u64) -> Place {
        Place {
            at: 0,
            token: None,
            position,
        }
    }

    /// The place of a message; `token` over everything.
    pub(super) fn of(token: Option<&Token>, created_at: Timestamp, position: u64) -> Place {
        match token {
            None => Place::inside(position),
            Some(token) => Place {
                at: created_at.as_millis(),
                token: Some(token.clone()),
                position,
            },
        }
    }

    /// From where a search goes on that has seen all above this place: with what is here, and below.
    pub(super) fn going_on(self) -> SearchAfter {
        let position = self.position.saturating_add(1);
        match self.token {
            None => SearchAfter::Position(position),
            Some(token) => SearchAfter::Place(HitPlace {
                created_at: Timestamp::from_millis(self.at),
                token,
                position,
            }),
        }
    }

    /// The first place behind `after`, or one above it where nothing is.
    pub(super) fn first_behind(after: &SearchAfter) -> Place {
        match after {
            SearchAfter::Position(position) => Place::inside(position.saturating_sub(1)),
            SearchAfter::Place(place) => Place {
                at: place.created_at.as_millis(),
                token: Some(place.token.clone()),
                position: place.position.saturating_sub(1),
            },
        }
    }
}
