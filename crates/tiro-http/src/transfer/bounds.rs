//! Every bound of imports and exports, units in the names.
//!
//! An import holds at most two windows of plain lines, or one chunk of entries, one line and one decompressed
//! slice; with 1,000,000 chats its counters take about 70 MB.

use std::time::Duration;

/// Imports carried out at one time; more are refused as overload.
pub(super) const IMPORTS_MAX: usize = 4;
/// Exports read at one time, each from a snapshot of its own; more are refused as overload.
pub(super) const EXPORTS_MAX: usize = 4;
/// How soon it is worth asking again when as many run already.
pub(super) const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Longest time that a refused upload is still read and thrown away, so that the client gets to read the answer.
pub(super) const UPLOAD_DRAIN_MAX: Duration = Duration::from_secs(10);
/// Compressed bytes that are decompressed at once: gzip gives at most 1,032 times as many, so about 2 MiB.
pub(super) const GZIP_SLICE_BYTES: usize = 2 * 1024;
/// Longest line beyond six times the longest body, which is what escapes can make of it.
pub(super) const LINE_OVERHEAD_BYTES: usize = 1024 * 1024;

/// Lines that are read before they are sorted by chat and stored.
pub(super) const WINDOW_LINES_MAX: usize = 8_192;
/// Bytes of lines of a window; a window ends with the line that reaches it.
pub(super) const WINDOW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of texts in one request to the engine; at least one line is sent.
pub(super) const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests of one import that the engine holds at one time.
pub(super) const REQUESTS_IN_FLIGHT_MAX: usize = 32;
/// Chats in one import of plain lines: each needs a counter in memory.
pub(super) const CHATS_MAX: usize = 1_000_000;

/// Entries of one step of a restore.
pub(super) const STEP_ENTRIES_MAX: usize = 500;
/// Bytes of lines of one step of a restore; a step ends with the line that reaches it.
pub(super) const STEP_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How often a request is sent while the engine is overloaded.
pub(super) const ATTEMPTS_MAX: u32 = 8;
/// The first wait between two attempts; each further one is twice as long.
pub(super) const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
/// The longest wait between two attempts.
pub(super) const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// Bytes of exported lines that are sent as one piece.
pub(super) const EXPORT_PIECE_BYTES: usize = 64 * 1024;

const _: () = assert!(STEP_BYTES_MAX <= REQUEST_BYTES_MAX && REQUEST_BYTES_MAX <= WINDOW_BYTES_MAX);
