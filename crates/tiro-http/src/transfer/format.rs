//! Lines of exports and imports between the wire and the core, both ways.
//!
//! Written lines depend on nothing but the history, so writing it again gives the same bytes. Reading checks each
//! line for itself and, at the end of an application, the digest over all of them; whether an entry may follow the
//! ones before it is decided by the core, which also derives counts and positions from the entries.

mod entry;
mod fault;
mod header;
mod hex;
mod plain;
mod reader;
mod thing;
mod writer;

pub(super) use fault::LineFault;
pub(super) use header::Header;
pub(super) use plain::PlainLine;
pub(super) use reader::EntryReader;
pub(super) use writer::{After, EntryWriter};

/// What the first line of an import says about all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// A header of Tiro lines: an object with the member `tiro`.
    Tiro,
    /// Any other object.
    Plain,
}

impl LineKind {
    /// Tells the two apart by the first line.
    ///
    /// # Errors
    /// The line is not a JSON object.
    pub(super) fn of(line: &[u8]) -> Result<LineKind, LineFault> {
        #[derive(serde::Deserialize)]
        struct Marker {
            tiro: Option<serde::de::IgnoredAny>,
        }
        let marker: Marker = fault::decoded(line)?;
        Ok(marker.tiro.map_or(LineKind::Plain, |_| LineKind::Tiro))
    }
}

#[cfg(test)]
mod tests;
