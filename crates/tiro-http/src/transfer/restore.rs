//! The import of Tiro lines: application by application, each invisible until its last line.
//!
//! An application whose token is taken is compared with what an export of it would write; nothing is stored then.
//! Whatever stops an application in the middle, what was stored of it is given up.

mod comparison;
mod restoring;

use tiro_api::ImportReport;

use super::format::{After, Header};
use super::refusal::{Cause, Refusal};
use super::upload::{Line, Upload};
use crate::app::App;
use comparison::Comparison;
use restoring::Begun;

/// Where Tiro lines go.
pub(super) struct Restore {
    pub(super) app: App,
}

/// What an application's lines amount to.
#[derive(Clone, Copy, Debug)]
struct Taken {
    report: ImportReport,
    after: After,
}

impl Restore {
    /// Imports all applications; `first` is the first header.
    ///
    /// # Errors
    /// The first line that cannot be taken; the applications that ended before it stay.
    pub(super) async fn run(self, upload: &mut Upload, first: Line) -> Result<ImportReport, Refusal> {
        let mut comparison = Comparison::new(self.app.clone());
        let mut report = ImportReport::default();
        let mut next = Some(first);
        let mut after = After::End;
        while let Some(line) = next.take() {
            let header = Header::parse(&line.bytes).map_err(|fault| Refusal::line(line.number, fault))?;
            let taken = match restoring::begin(&self.app, &header, line.number).await? {
                Begun::Restoring(restoring) => restoring.run(upload, &header, &line).await?,
                Begun::TokenTaken => comparison.run(upload, &header, &line).await?,
            };
            add(&mut report, taken.report);
            after = taken.after;
            next = received(upload).await?;
        }
        match after {
            After::End => Ok(report),
            After::Application => Err(Refusal::new(upload.lines_read() + 1, Cause::Truncated)),
        }
    }
}

/// The next line, with the number of the missing one in the refusal.
async fn received(upload: &mut Upload) -> Result<Option<Line>, Refusal> {
    let line = upload.next().await;
    line.map_err(|fault| Refusal::new(upload.lines_read() + 1, Cause::Upload(fault)))
}

fn add(report: &mut ImportReport, more: ImportReport) {
    report.lines += more.lines;
    report.chats_created += more.chats_created;
    report.messages_created += more.messages_created;
    report.unchanged += more.unchanged;
}
