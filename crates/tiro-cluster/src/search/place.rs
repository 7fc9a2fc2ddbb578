//! Where messages stand among hits.

use tiro_core::{HitPlace, SearchAfter, Timestamp, Token};

use super::scope::Scope;

/// Where a message stands among hits; ascending is oldest first. Within an application only the position counts, and
/// over everything the time, then the token, then the position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    at: i64,
    token: Option<Token>,
    position: u64,
}

impl Place {
    pub(super) fn of(scope: &Scope, place: &HitPlace) -> Place {
        match scope {
            Scope::Everything => Place {
                at: place.created_at.as_millis(),
                token: Some(place.token.clone()),
                position: place.position,
            },
            Scope::Inside { .. } => Place {
                at: 0,
                token: None,
                position: place.position,
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
}
