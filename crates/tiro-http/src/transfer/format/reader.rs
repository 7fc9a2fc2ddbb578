//! Reading one application's entries, with the digest that closes them.

use sha2::{Digest, Sha256};
use tiro_core::{ApplicationId, Entry, Limits};

use super::writer::{self, DIGEST_SUFFIX_BYTES};
use super::{After, Header, LineFault, entry, hex};

/// One entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transfer) struct ReadEntry {
    /// The entry.
    pub(in crate::transfer) entry: Entry,
    /// Set on the last one of the application.
    pub(in crate::transfer) end: Option<After>,
}

/// The entries behind a header.
#[derive(Debug)]
pub(in crate::transfer) struct EntryReader {
    header: Header,
    application: ApplicationId,
    digest: Sha256,
}

impl EntryReader {
    /// Begins after the line of `header`; things that are read are given the number `application`.
    pub(in crate::transfer) fn new(header: &Header, line: &[u8], application: ApplicationId) -> EntryReader {
        EntryReader {
            header: header.clone(),
            application,
            digest: writer::begun(line),
        }
    }

    /// Reads the next line, without its line feed. Texts are held against `limits`.
    ///
    /// # Errors
    /// Not an entry, a value that is not allowed, an `end` in the wrong place, or at the end another digest.
    pub(in crate::transfer) fn read(&mut self, line: &[u8], limits: &Limits) -> Result<ReadEntry, LineFault> {
        let (entry, end) = entry::read(&self.header, self.application, line, limits)?;
        let last = entry.change.position == self.header.last_position;
        let after = match (end, last) {
            (None, false) => {
                self.digest.update(line);
                self.digest.update(b"\n");
                None
            }
            (Some(end), true) => {
                self.check_digest(line, &end.sha256)?;
                Some(if end.more { After::Application } else { After::End })
            }
            (None, true) => return Err(LineFault::Missing("end")),
            (Some(_), false) => {
                return Err(LineFault::Contradiction(
                    "`end` stands on an entry that is not the last",
                ));
            }
        };
        Ok(ReadEntry { entry, end: after })
    }

    fn check_digest(&mut self, line: &[u8], claimed: &str) -> Result<(), LineFault> {
        let (before, suffix) = line
            .split_at_checked(line.len().saturating_sub(DIGEST_SUFFIX_BYTES))
            .ok_or(LineFault::Digest)?;
        self.digest.update(before);
        let found = hex::written(&self.digest.finalize_reset().into());
        if claimed == found && suffix == format!(",\"sha256\":\"{found}\"}}}}").as_bytes() {
            Ok(())
        } else {
            Err(LineFault::Digest)
        }
    }
}
