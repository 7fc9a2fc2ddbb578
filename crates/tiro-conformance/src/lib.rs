//! What every engine promises, as code that any engine can be held to.
//!
//! [`behaviours`] name the promises one by one, [`model`] plays random histories against plain expectations,
//! [`check_export`] knows what holds in every state, [`ReferenceEngine`] keeps the contract in the simplest way.
//! An engine's crate implements [`World`] and calls [`conformance_tests!`] and [`model_test!`].
//! Nothing here looks inside an engine: all goes through [`tiro_core::Engine`]; [`Proxy`] breaks what is around one,
//! [`Planted`] chooses what is broken inside one.

pub mod address;
pub mod behaviours;
mod check;
mod commands;
mod eventually;
mod export;
pub mod generator;
pub mod history;
mod holder;
mod lacking;
pub mod model;
mod planted;
mod proxy;
pub mod rate_limits;
mod rebuild;
mod reference;
pub mod sample;
mod slow;
mod world;

pub use check::check_export;
pub use eventually::eventually;
pub use export::{ExportedApplication, assert_same_export, read_export, restore};
pub use generator::Generator;
pub use lacking::is_lacking;
pub use planted::{Planted, is_planting, restore_content, without_condition};
pub use proxy::{Fault, Proxy};
pub use rebuild::check_feeds;
pub use reference::{Clock, ReferenceEngine};
pub use world::{World, run};
