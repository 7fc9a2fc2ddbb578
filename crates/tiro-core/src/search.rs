//! Search: what a query means, which bodies match it, and what an index must know to propose candidates.
//!
//! A query is terms; a body matches if its folding contains the folding of every term. An index proposes messages
//! that have all [grams](Query::grams) of a query, and [`Matcher`] decides. So no index can make two engines answer
//! differently: it can only be slower or faster. Texts are folded in `folding`, scalar by scalar as `scalar` says.

mod folding;
mod grams;
mod highlights;
mod matcher;
mod order;
mod query;
mod request;
mod scalar;
mod table;
#[cfg(test)]
mod tests;

pub use folding::{FOLDING_VERSION, Folded};
pub use grams::{Gram, each_gram, grams};
pub use highlights::Highlight;
pub use matcher::Matcher;
pub use order::{BadSearchAfter, HitPlace, SearchAfter};
pub use query::{BadQuery, Query, Term};
pub use request::{Found, Hit, IfBehind, SearchBehind, SearchRequest, SearchScope, Searched};
