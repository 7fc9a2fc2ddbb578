//! Tiro in MySQL: the tables, rows as they are read and written, and the SQL of the writers.
//!
//! `schema.sql` has every table; `rows` is the one place that knows their columns. `script` builds what is sent, `fetch`
//! looks facts up, `store` writes what was decided.

pub(crate) mod beside;
mod closing;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod facts;
pub(crate) mod fetch;
pub(crate) mod index_garbage;
pub(crate) mod loan;
pub(crate) mod migrations;
pub(crate) mod pool;
pub(crate) mod probe;
pub mod purge;
pub(crate) mod refused;
pub(crate) mod restores;
pub(crate) mod rows;
pub(crate) mod script;
pub(crate) mod session;
mod settings;
pub(crate) mod store;
pub(crate) mod trouble;

pub use pool::Pool;
pub use settings::Unsafe;
