//! No code: `Cargo.toml` beside this file names the features of shared dependencies once.
//!
//! Cargo chooses features anew for each selection of packages (`cargo run`, `cargo xtask`, `cargo test --workspace`), and a
//! crate with other features is another crate: all that depends on it would be compiled for each of them.
