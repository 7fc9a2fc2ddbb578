//! Some entries of a feed as the text of a stream.

use bytes::Bytes;
use tiro_api::WriteJson;
use tiro_core::{ChangeKind, Changes, Cursor, Entry, Failure};

use crate::wire;

/// Most entries that are read at once for a stream.
pub(super) const CHUNK_ENTRIES_MAX: u32 = 100;
/// A chunk ends with the entry that takes it past this many bytes: the most that a stream whose client takes nothing
/// holds, besides what its connection holds.
const CHUNK_BYTES: usize = 32 * 1024;
/// What an entry takes in most chats.
const ENTRY_BYTES: usize = 512;

/// What comes next in a stream.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Whole blocks; empty if nothing was wanted of what was looked at.
    pub(super) text: Bytes,
    /// Behind the last entry that was looked at.
    pub(super) next: Cursor,
    /// The end of the feed when this was read: the text says what things are at this place, and not behind it.
    pub(super) as_of: Cursor,
    /// Whether the application is no more, so that nothing can follow.
    pub(super) is_last: bool,
    entries: u32,
    /// Whether entries that were read are left for the next chunk.
    is_cut: bool,
}

impl Chunk {
    /// The beginning of a page.
    ///
    /// # Errors
    /// What is stored cannot be shown.
    pub(super) fn of(changes: &Changes) -> Result<Chunk, Failure> {
        let mut text = Vec::with_capacity(CHUNK_BYTES.min(changes.entries.len() * ENTRY_BYTES));
        let mut entries = 0;
        for entry in &changes.entries {
            event(entry, &changes.next, &mut text)?;
            entries += 1;
            if text.len() >= CHUNK_BYTES {
                break;
            }
        }
        let taken = changes.entries.get(..entries).unwrap_or_default();
        let is_cut = entries < changes.entries.len();
        let mut next = changes.next.clone();
        if let (true, Some(last)) = (is_cut, taken.last()) {
            next.position = last.change.position;
        }
        text.shrink_to_fit();
        Ok(Chunk {
            text: text.into(),
            next,
            as_of: changes.as_of.clone(),
            is_last: taken
                .last()
                .is_some_and(|entry| entry.change.kind() == ChangeKind::ApplicationDeleted),
            entries: u32::try_from(entries).unwrap_or(u32::MAX),
            is_cut,
        })
    }

    /// How many entries to read the next time, after `now` of them: about as many as fit, so that long ones are not
    /// read again and again.
    pub(super) fn entries_max_next(&self, now: u32) -> u32 {
        let fitting = if self.is_cut { self.entries } else { now };
        (2 * fitting).clamp(1, CHUNK_ENTRIES_MAX)
    }
}

/// One block: JSON has no line feed of its own, so the data is one line.
fn event(entry: &Entry, next: &Cursor, out: &mut Vec<u8>) -> Result<(), Failure> {
    let unwritable = |reason: String| Failure::Internal(format!("an entry cannot be written: {reason}"));
    let wire = wire::entry(entry)
        .map_err(|problem| unwritable(problem.operator_text().unwrap_or_default().to_owned()))?;
    let (epoch, position) = (next.epoch.as_str(), entry.change.position);
    out.extend_from_slice(
        format!("id: {epoch}.{position}\nevent: {}\ndata: ", wire.type_.as_str()).as_bytes(),
    );
    wire.write_json(out)
        .map_err(|error| unwritable(error.to_string()))?;
    out.extend_from_slice(b"\n\n");
    Ok(())
}
