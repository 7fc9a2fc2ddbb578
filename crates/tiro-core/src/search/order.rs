//! The order of hits and places in it, from which a search goes on.
//!
//! A place is what a hit was created with, which no write ever changes. So while others create, edit and delete,
//! the pages of one walk repeat no message and miss none that matched all the while.

use std::cmp::Ordering;
use std::fmt;

use crate::{Timestamp, Token};

use super::SearchScope;

/// What decides where a message stands among hits. Ascending is oldest first; hits come in descending order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HitPlace {
    /// When the message was created; what an import said, if one made it.
    pub created_at: Timestamp,
    /// Its application.
    pub token: Token,
    /// The position of its create in the application's feed.
    pub position: u64,
}

/// From where a search goes on: with what comes behind this place, so with older messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchAfter {
    /// In a chat or an application: behind the message created at this position.
    Position(u64),
    /// Over everything.
    Place(HitPlace),
}

/// The text is not a place in a search of this scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSearchAfter;

impl SearchScope {
    /// The order of hits: the newest creation first. Within an application that is the highest position; over
    /// everything the highest `created_at`, then token, then position.
    #[must_use]
    pub fn order(&self, one: &HitPlace, other: &HitPlace) -> Ordering {
        match self {
            SearchScope::Chat { .. } | SearchScope::Application(_) => other.position.cmp(&one.position),
            SearchScope::Everything => other.cmp(one),
        }
    }

    /// From where to go on when everything up to `place`, itself included, was answered.
    #[must_use]
    pub fn after(&self, place: HitPlace) -> SearchAfter {
        match self {
            SearchScope::Chat { .. } | SearchScope::Application(_) => SearchAfter::Position(place.position),
            SearchScope::Everything => SearchAfter::Place(place),
        }
    }
}

impl SearchAfter {
    /// Whether a message at `place` is still to come.
    #[must_use]
    pub fn precedes(&self, place: &HitPlace) -> bool {
        match self {
            SearchAfter::Position(position) => place.position < *position,
            SearchAfter::Place(after) => place < after,
        }
    }

    /// Reads what [`SearchAfter`] wrote for a search of the same kind of scope.
    ///
    /// # Errors
    /// [`BadSearchAfter`] for everything else.
    pub fn parse(text: &str, scope: &SearchScope) -> Result<SearchAfter, BadSearchAfter> {
        let after = match scope {
            SearchScope::Chat { .. } | SearchScope::Application(_) => {
                text.parse().ok().map(SearchAfter::Position)
            }
            SearchScope::Everything => place(text).map(SearchAfter::Place),
        };
        // One place has one spelling.
        after
            .filter(|after| after.to_string() == text)
            .ok_or(BadSearchAfter)
    }
}

fn place(text: &str) -> Option<HitPlace> {
    let (millis, rest) = text.split_once('.')?;
    let (position, token) = rest.split_once('.')?;
    Some(HitPlace {
        created_at: Timestamp::from_millis(millis.parse().ok()?),
        token: Token::parse(token).ok()?,
        position: position.parse().ok()?,
    })
}

/// `<position>`, or `<milliseconds since 1970>.<position>.<token>`.
impl fmt::Display for SearchAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SearchAfter::Position(position) => write!(f, "{position}"),
            SearchAfter::Place(place) => write!(
                f,
                "{}.{}.{}",
                place.created_at.as_millis(),
                place.position,
                place.token.as_str()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::parse(&format!("{text:_<16}")).unwrap()
    }

    fn at(millis: i64, of: &str, position: u64) -> HitPlace {
        HitPlace {
            created_at: Timestamp::from_millis(millis),
            token: token(of),
            position,
        }
    }

    #[test]
    fn the_newest_creation_comes_first() {
        let application = SearchScope::Application(token("a"));
        let mut places = vec![at(5, "a", 1), at(1, "a", 3), at(9, "a", 2)];
        places.sort_by(|one, other| application.order(one, other));
        assert_eq!(places, [at(1, "a", 3), at(9, "a", 2), at(5, "a", 1)]);
        let mut places = vec![at(5, "a", 1), at(5, "b", 1), at(5, "a", 2), at(6, "a", 1)];
        places.sort_by(|one, other| SearchScope::Everything.order(one, other));
        assert_eq!(
            places,
            [at(6, "a", 1), at(5, "b", 1), at(5, "a", 2), at(5, "a", 1)]
        );
    }

    #[test]
    fn what_comes_behind_a_place_is_still_to_come() {
        let places = [at(6, "a", 4), at(5, "b", 3), at(5, "a", 2), at(5, "a", 1)];
        for scope in [SearchScope::Application(token("a")), SearchScope::Everything] {
            for (index, reached) in places.iter().enumerate() {
                let after = scope.after(reached.clone());
                let to_come: Vec<_> = places.iter().filter(|place| after.precedes(place)).collect();
                assert_eq!(to_come, places[index + 1..].iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_place_reads_what_it_wrote_and_nothing_else() {
        let application = SearchScope::Application(token("a"));
        for scope in [application.clone(), SearchScope::Everything] {
            let after = scope.after(at(-7, "a", 42));
            assert_eq!(SearchAfter::parse(&after.to_string(), &scope), Ok(after));
        }
        for wrong in ["", "x", "+4", "04", "4.", "-1"] {
            assert_eq!(
                SearchAfter::parse(wrong, &application),
                Err(BadSearchAfter),
                "{wrong}"
            );
        }
        for wrong in [
            "",
            "4",
            "1.2",
            "1.2.short",
            "1.+2.a_______________",
            "253402300800000.2.a_______________",
        ] {
            assert_eq!(
                SearchAfter::parse(wrong, &SearchScope::Everything),
                Err(BadSearchAfter),
                "{wrong}"
            );
        }
    }
}
