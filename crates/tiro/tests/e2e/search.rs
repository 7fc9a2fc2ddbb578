//! Search on the real executable: complete at once, exact, scoped, and back after every loss of its index.
//!
//! A text that is to be found carries a *mark*, 32 random hexadecimal digits that no other text has.

mod agreeing;
mod anew;
mod at_once;
mod bounds;
mod killed;
mod literals;
mod load;
mod scopes;
mod substrings;

use tiro_client::api::Hit;
use tiro_client::{Client, Search, SearchScope};
use tiro_core::{Folded, Limits, Query};

/// Most hits of a page.
const PAGE_HITS_MAX: u32 = 200;
/// Longest part of a text that is searched for.
const PART_CHARS_MAX: usize = 12;

/// Every hit, page by page.
async fn find_all(client: &Client, scope: SearchScope<'_>, query: &str, limit: u32) -> Vec<Hit<'static>> {
    let mut search = Search::of(query).limit(limit);
    let mut hits = Vec::new();
    loop {
        let page = client
            .search(scope, &search)
            .await
            .unwrap_or_else(|error| panic!("{query:?} in {scope:?}: {error}"));
        assert_eq!(page.has_more, page.next.is_some(), "{query:?}");
        assert!(page.data.len() <= limit as usize, "{query:?}");
        hits.extend(page.data);
        match page.next {
            Some(next) => search = search.after(next),
            None => return hits,
        }
    }
}

/// Whether a message is among the hits; reads no further than to it.
async fn finds(client: &Client, scope: SearchScope<'_>, query: &str, chat: u64, number: u64) -> bool {
    let mut search = Search::of(query).limit(PAGE_HITS_MAX);
    loop {
        let page = client
            .search(scope, &search)
            .await
            .unwrap_or_else(|error| panic!("{query:?} in {scope:?}: {error}"));
        let is_wanted = |hit: &Hit<'_>| (hit.chat, hit.message.number) == (chat, number);
        if page.data.iter().any(is_wanted) {
            return true;
        }
        match page.next {
            Some(next) => search = search.after(next),
            None => return false,
        }
    }
}

/// A text that no other has.
fn mark(random: &mut fastrand::Rng) -> String {
    format!("{:032x}", random.u128(..))
}

/// A random part of a mark, long enough to be no other's.
fn part_of_mark(mark: &str, random: &mut fastrand::Rng) -> String {
    let length = random.usize(16..=mark.len());
    let start = random.usize(..=mark.len() - length);
    mark[start..start + length].to_owned()
}

/// A query for 1 to 12 neighbouring characters of a body: quoted, as one term.
fn part_of(body: &str, random: &mut fastrand::Rng) -> String {
    let chars: Vec<char> = body.chars().collect();
    for _ in 0..1_000 {
        let length = random.usize(1..=PART_CHARS_MAX).min(chars.len());
        let start = random.usize(..=chars.len() - length);
        let part: String = chars[start..start + length].iter().collect();
        let query = format!("\"{part}\"");
        let says_the_part = |query: Query| match query.terms() {
            [term] => *term.folded() == Folded::of(&part) && query.matches(body).is_some(),
            _ => false,
        };
        if Query::parse(&query, &Limits::default()).is_ok_and(says_the_part) {
            return query;
        }
    }
    panic!("no part of {body:?} can be asked for");
}
