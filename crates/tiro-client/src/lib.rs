//! A typed client of Tiro's HTTP API: for the command line, end-to-end tests and load generators.
//!
//! Ordinary requests are bounded by [`Patience`] and repeated only where that is safe: reads, and writes under an
//! `Idempotency-Key`, which each write gets unless the caller says otherwise ([`Sending`]). Imports and exports
//! stream, and are never repeated here; a [`Follower`] connects again by itself. A client whose server vanishes gives
//! up within 30 s.

mod answer;
mod applications;
mod changes;
mod chats;
mod client;
mod error;
mod export;
mod follow;
mod health;
mod import;
mod liveness;
mod messages;
mod operations;
mod paging;
mod patience;
mod readers;
mod search;
mod sending;
mod server;

pub use answer::Answer;
pub use changes::Feed;
pub use client::{Client, Options};
pub use error::{Error, Refusal};
pub use export::Export;
pub use follow::Follower;
pub use import::ImportTarget;
pub use operations::Create;
pub use paging::Paging;
pub use patience::Patience;
pub use search::{IfBehind, Search, SearchScope};
pub use sending::{Key, Sending};
pub use tiro_api as api;
