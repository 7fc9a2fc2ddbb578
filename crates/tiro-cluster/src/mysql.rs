//! Tiro in MySQL: the tables, and rows as they are read and written.
//!
//! `schema.sql` has every table; `rows` is the one place that knows their columns.

pub(crate) mod rows;
