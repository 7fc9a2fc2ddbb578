//! Writing one application's lines, with the digest that closes them.

use sha2::{Digest, Sha256};
use tiro_api::LinesEnd;
use tiro_core::{Application, Entry, Failure};

use super::{Header, entry, hex};

/// Bytes of the last line from the comma before the digest to its end: `,"sha256":"…"}}`.
pub(super) const DIGEST_SUFFIX_BYTES: usize = 11 + hex::DIGITS + 3;

/// What follows an application's last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transfer) enum After {
    /// Another application's header: a file that ends here was cut.
    Application,
    /// Nothing.
    End,
}

/// The lines of one application, in order: begun with its header, ended by its last entry.
#[derive(Clone, Debug)]
pub(in crate::transfer) struct EntryWriter {
    last_position: u64,
    digest: Sha256,
}

impl EntryWriter {
    /// Begins an application: appends its header line to `out`.
    pub(in crate::transfer) fn begin(application: &Application, out: &mut Vec<u8>) -> EntryWriter {
        let header = Header::of(application);
        let line = header.to_line();
        out.extend_from_slice(&line);
        out.push(b'\n');
        EntryWriter {
            digest: begun(&line),
            last_position: header.last_position,
        }
    }

    /// Whether an entry is to be written by [`EntryWriter::end`].
    pub(in crate::transfer) fn is_last(&self, entry: &Entry) -> bool {
        entry.change.position == self.last_position
    }

    /// Appends the line of an entry that is not the last.
    ///
    /// # Errors
    /// What is stored cannot be shown.
    pub(in crate::transfer) fn entry(&mut self, entry: &Entry, out: &mut Vec<u8>) -> Result<(), Failure> {
        let from = out.len();
        entry::write(entry, None, out)?;
        out.push(b'\n');
        self.digest.update(&out[from..]);
        Ok(())
    }

    /// Appends the line of the last entry, which says what follows and holds the digest.
    ///
    /// # Errors
    /// What is stored cannot be shown.
    pub(in crate::transfer) fn end(
        mut self,
        entry: &Entry,
        after: After,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let from = out.len();
        let end = LinesEnd {
            more: after == After::Application,
            sha256: hex::written(&[0; 32]).into(),
        };
        entry::write(entry, Some(end), out)?;
        let suffix = out.len() - DIGEST_SUFFIX_BYTES;
        self.digest.update(&out[from..suffix]);
        let digest = hex::written(&self.digest.finalize().into());
        out[suffix + 11..suffix + 11 + hex::DIGITS].copy_from_slice(digest.as_bytes());
        out.push(b'\n');
        Ok(())
    }
}

/// The digest after the header line.
pub(super) fn begun(header: &[u8]) -> Sha256 {
    Sha256::new().chain_update(header).chain_update(b"\n")
}
