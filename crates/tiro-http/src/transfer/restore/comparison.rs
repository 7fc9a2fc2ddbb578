//! An application whose token is taken: its lines against those that an export of it would have.
//!
//! An export of one application does not give deleted ones, so their tombstones are looked for in an export of all.
//! Files have the same order as such an export, so one pass usually serves every tombstone of a file.

use tiro_api::ImportReport;
use tiro_core::{Action, Application, Entry, Export, Exported, Failure, Rejection, Subject, Token};

use super::{Taken, received};
use crate::app::App;
use crate::transfer::format::{After, EntryWriter, Header};
use crate::transfer::refusal::{Cause, Refusal};
use crate::transfer::upload::{Line, Upload};

pub(super) struct Comparison {
    app: App,
    /// An export of all applications, as far as tombstones were looked for in it.
    all: Option<Box<dyn Export>>,
}

/// An application as the engine has it.
struct Own {
    application: Application,
    /// Entries that were read and not yet compared.
    entries: std::vec::IntoIter<Entry>,
    /// Where further ones come from; a tombstone has none.
    further: Option<Box<dyn Export>>,
}

impl Comparison {
    pub(super) fn new(app: App) -> Comparison {
        Comparison { app, all: None }
    }

    /// Reads the lines of an application that exists, and finds them the same.
    ///
    /// # Errors
    /// A conflict at the application's header if anything differs.
    pub(super) async fn run(
        &mut self,
        upload: &mut Upload,
        header: &Header,
        line: &Line,
    ) -> Result<Taken, Refusal> {
        let conflict = |differs_at| Refusal::new(line.number, Cause::Conflict { differs_at });
        let engine = |failure| Refusal::engine(line.number, failure);
        let own = match self.app.engine.export(Some(header.token.clone())).await {
            Ok(export) => Own::first(export).await.map_err(engine)?,
            Err(Failure::Rejected(Rejection::ApplicationDeleted)) => {
                self.tombstone(&header.token).await.map_err(engine)?
            }
            // Being restored by another import, or deleted since.
            Err(Failure::Rejected(_)) => None,
            Err(failure) => return Err(engine(failure)),
        };
        let Some(mut own) = own else {
            return Err(conflict(None));
        };
        let mut expected = Vec::new();
        let mut writer = EntryWriter::begin(&own.application, &mut expected);
        if !is_line(&line.bytes, &expected) {
            return Err(conflict(Some(line.number)));
        }
        let mut report = ImportReport {
            lines: 1,
            ..ImportReport::default()
        };
        while let Some(entry) = own.next().await.map_err(engine)? {
            let Some(found) = received(upload).await? else {
                return Err(Refusal::new(upload.lines_read() + 1, Cause::Truncated));
            };
            report.lines += 1;
            report.unchanged += u64::from(is_created_message(&entry));
            if writer.is_last(&entry) {
                let after = last_line(&writer, &entry, &found.bytes).map_err(engine)?;
                return after
                    .map(|after| Taken { report, after })
                    .ok_or_else(|| conflict(Some(found.number)));
            }
            expected.clear();
            writer.entry(&entry, &mut expected).map_err(engine)?;
            if !is_line(&found.bytes, &expected) {
                return Err(conflict(Some(found.number)));
            }
        }
        Err(engine(Failure::Internal(
            "an export ended before the last position of its application".into(),
        )))
    }

    /// The tombstone of a deleted application; looked for from where the last one was found, then once from the
    /// beginning.
    async fn tombstone(&mut self, token: &Token) -> Result<Option<Own>, Failure> {
        if let Some(mut export) = self.all.take()
            && let Some(found) = tombstone_in(export.as_mut(), token).await?
        {
            self.all = Some(export);
            return Ok(Some(found));
        }
        let mut export = self.app.engine.export(None).await?;
        let found = tombstone_in(export.as_mut(), token).await?;
        self.all = Some(export);
        Ok(found)
    }
}

impl Own {
    /// The only application of an export.
    async fn first(mut export: Box<dyn Export>) -> Result<Option<Own>, Failure> {
        Ok(match export.next().await? {
            Some(Exported::Application(application)) => Some(Own {
                application,
                entries: Vec::new().into_iter(),
                further: Some(export),
            }),
            Some(Exported::Entries(_)) | None => None,
        })
    }

    async fn next(&mut self) -> Result<Option<Entry>, Failure> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Ok(Some(entry));
            }
            let Some(export) = &mut self.further else {
                return Ok(None);
            };
            match export.next().await? {
                Some(Exported::Entries(entries)) => self.entries = entries.into_iter(),
                Some(Exported::Application(_)) | None => return Ok(None),
            }
        }
    }
}

/// Reads on in an export until the deleted application of a token.
async fn tombstone_in(export: &mut dyn Export, token: &Token) -> Result<Option<Own>, Failure> {
    while let Some(piece) = export.next().await? {
        let Exported::Application(application) = piece else {
            continue;
        };
        if application.token != *token || application.deleted_at.is_none() {
            continue;
        }
        let Some(Exported::Entries(entries)) = export.next().await? else {
            return Ok(None);
        };
        return Ok(Some(Own {
            application,
            entries: entries.into_iter(),
            further: None,
        }));
    }
    Ok(None)
}

/// Whether a line is the one that would be written, less its line feed.
fn is_line(found: &[u8], expected: &[u8]) -> bool {
    expected.strip_suffix(b"\n") == Some(found)
}

/// Whether a line is the last one that would be written; what follows may differ, since a file may hold other
/// applications than an export made here would.
fn last_line(writer: &EntryWriter, entry: &Entry, found: &[u8]) -> Result<Option<After>, Failure> {
    for after in [After::End, After::Application] {
        let mut expected = Vec::new();
        writer.clone().end(entry, after, &mut expected)?;
        if is_line(found, &expected) {
            return Ok(Some(after));
        }
    }
    Ok(None)
}

fn is_created_message(entry: &Entry) -> bool {
    entry.change.action == Action::Created && matches!(entry.change.subject, Subject::Message { .. })
}
