//! Every statement of this crate uses an index.
