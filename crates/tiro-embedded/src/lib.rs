//! The one-machine engine: one process, one data folder, nothing else to install.
//!
//! The log is the truth: one writer decides a batch of requests, appends its events and syncs, then publishes and
//! answers. A follower brings what was published into the view, an LSM tree for reads by key and range, which can be
//! deleted at any time. `docs/ARCHITECTURE.md` traces a request; `docs/data-layout.md` has every byte.

mod blocking;
mod clock;
pub mod disk;
mod encoding;
mod engine;
mod errors;
mod export;
mod feed;
mod folder;
mod follower;
mod generation;
pub mod log;
mod open;
mod opening;
mod options;
mod planted;
mod queue;
mod reads;
mod recent;
mod scrub;
mod search;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod waiting;
mod writer;

pub use clock::Clock;
pub use engine::{EmbeddedEngine, new_epoch};
pub use errors::{CloseError, Fatal, OnFatal, OpenError};
pub use opening::{Opening, ViewRebuilt};
pub use options::Options;
pub use search::SearchOptions;
pub use verify::{Finding, Report, VerifyError, VerifyProgress, verify};
pub use view::ViewError;
pub use view::space::ViewOptions;
