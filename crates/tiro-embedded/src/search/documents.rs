//! Rows become documents: neighbouring messages of a chat one, the latest edit of a message one of its own.
//!
//! A run is cut where the blocks of the view are cut, so that looking at one reads one row. Documents are only added: an
//! edit leaves the old grams in the run, where they propose what the matcher refuses.

use tantivy::{TantivyDocument, Term};
use tiro_core::ApplicationId;

use super::grams::GramSet;
use super::rows::{Cause, Row};
use super::schema::{Fields, scope_bytes};
use crate::view::keys::message_block;

/// Makes documents, in memory that it keeps.
pub(super) struct Documents {
    fields: Fields,
    grams: GramSet,
}

/// One step of the index.
pub(super) enum Change {
    Add(TantivyDocument),
    Delete(Term),
}

impl Documents {
    pub(super) fn new(fields: Fields) -> Documents {
        Documents {
            fields,
            grams: GramSet::new(),
        }
    }

    /// Hands over what the index has to do so that it finds these rows, which are in the order of the log.
    pub(super) fn each_change<E>(
        &mut self,
        rows: &[Row],
        mut change: impl FnMut(Change) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut created, mut edited): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.cause == Cause::Created);
        created.sort_by_key(|row| place(row));
        for run in created.chunk_by(|one, next| is_neighbour(one, next)) {
            change(Change::Add(self.run(run, None)))?;
        }
        // Of edits of one message the last one counts, and it replaces the one before.
        edited.sort_by_key(|row| place(row));
        for edits in edited.chunk_by(|one, next| place(one) == place(next)) {
            let [.., last] = edits else { continue };
            let (application, chat, number) = place(last);
            change(Change::Delete(self.fields.edit_of(application, chat, number)))?;
            change(Change::Add(self.run(&[*last], Some(number))))?;
        }
        Ok(())
    }

    /// The document of some neighbours, at least one.
    fn run(&mut self, rows: &[&Row], edit_of: Option<u64>) -> TantivyDocument {
        let Row {
            application,
            chat,
            number,
            ..
        } = rows[0];
        let positions = || rows.iter().map(|row| row.created_position);
        let times = || rows.iter().map(|row| row.created_at.as_millis());
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        document.add_text(
            fields.gram,
            self.grams.pack(rows.iter().map(|row| &*row.content.body)),
        );
        document.add_bytes(fields.scope, &scope_bytes(*application, &[]));
        document.add_bytes(fields.scope, &scope_bytes(*application, &[*chat]));
        if let Some(number) = edit_of {
            document.add_bytes(fields.scope, &scope_bytes(*application, &[*chat, number]));
        }
        document.add_u64(fields.application, u64::from(application.0));
        document.add_u64(fields.chat, *chat);
        document.add_u64(fields.first, *number);
        document.add_u64(fields.count, rows.len() as u64);
        document.add_u64(fields.oldest_position, positions().min().unwrap_or(0));
        document.add_u64(fields.newest_position, positions().max().unwrap_or(0));
        document.add_i64(fields.oldest_at, times().min().unwrap_or(0));
        document.add_i64(fields.newest_at, times().max().unwrap_or(0));
        document
    }
}

fn place(row: &Row) -> (ApplicationId, u64, u64) {
    (row.application, row.chat, row.number)
}

/// Whether the next row goes on with the run.
fn is_neighbour(one: &Row, next: &Row) -> bool {
    (one.application, one.chat) == (next.application, next.chat)
        && one.number + 1 == next.number
        && message_block(one.number) == message_block(next.number)
}
