//! The change feed on the real executable: live streams under load, cuts, kills and the end, and `tiro follow`.

mod command;
pub(crate) mod crowd;
mod ends;
mod killed;
mod stalled;
mod stream;
