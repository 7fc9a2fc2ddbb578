//! One application on its way in: begun, filled step by step, finished or given up.

use tiro_api::ImportReport;
use tiro_core::{
    Action, ApplicationId, Command, Entry, Failure, Limits, Outcome, Rejection, Reply, Request, Subject,
    Token,
};

use super::{Taken, received};
use crate::app::App;
use crate::transfer::bounds::{STEP_BYTES_MAX, STEP_ENTRIES_MAX};
use crate::transfer::format::{After, EntryReader, Header, LineKind};
use crate::transfer::refusal::{Cause, Refusal};
use crate::transfer::submission::submit;
use crate::transfer::upload::{Line, Upload};

/// What became of the wish to restore an application.
pub(super) enum Begun {
    /// It can be filled.
    Restoring(Restoring),
    /// Its token is or was in use.
    TokenTaken,
}

/// An application that is being filled. Dropped before its end, it is given up in the background.
pub(super) struct Restoring {
    app: App,
    application: ApplicationId,
    token: Token,
    /// Finished or given up.
    closed: bool,
}

/// Entries that are stored together.
#[derive(Default)]
struct Step {
    entries: Vec<Entry>,
    /// Their lines in the file.
    numbers: Vec<u64>,
    bytes: usize,
    /// Set once the last entry of the application is among them.
    after: Option<After>,
}

/// Begins an application.
pub(super) async fn begin(app: &App, header: &Header, line: u64) -> Result<Begun, Refusal> {
    let command = Command::BeginRestore {
        token: header.token.clone(),
        epoch: header.epoch.clone(),
        last_position: header.last_position,
    };
    match submit(app, Request::new(command)).await {
        Ok(Reply {
            outcome: Outcome::RestoreBegun(application),
            ..
        }) => Ok(Begun::Restoring(Restoring {
            app: app.clone(),
            application,
            token: header.token.clone(),
            closed: false,
        })),
        Ok(_) => Err(Refusal::engine(
            line,
            Failure::Internal("the engine answered the beginning of a restore with another outcome".into()),
        )),
        Err(Failure::Rejected(Rejection::TokenTaken)) => Ok(Begun::TokenTaken),
        Err(failure) => Err(Refusal::engine(line, failure)),
    }
}

impl Restoring {
    /// Reads and stores the application's entries and makes it visible.
    ///
    /// # Errors
    /// The first line that cannot be taken; then the application was given up.
    pub(super) async fn run(
        mut self,
        upload: &mut Upload,
        header: &Header,
        line: &Line,
    ) -> Result<Taken, Refusal> {
        let filled = self.fill(upload, header, line).await;
        let finished = match filled {
            Ok((taken, last_line)) => self.finish(line.number, last_line).await.map(|()| taken),
            Err(refusal) => Err(refusal),
        };
        if finished.is_err() {
            give_up(&self.app, self.application).await;
        }
        self.closed = true;
        finished
    }

    /// Stores all entries; answers the number of the last line, too.
    async fn fill(&self, upload: &mut Upload, header: &Header, line: &Line) -> Result<(Taken, u64), Refusal> {
        let mut reader = EntryReader::new(header, &line.bytes, self.application);
        let mut report = ImportReport {
            lines: 1,
            ..ImportReport::default()
        };
        loop {
            let (step, refused) = Step::read(upload, &mut reader, &self.app.limits).await;
            let (after, last_line) = (step.after, step.numbers.last().copied());
            count(&mut report, &step.entries);
            self.store(step).await?;
            if let Some(refusal) = refused {
                return Err(refusal);
            }
            if let (Some(after), Some(last_line)) = (after, last_line) {
                return Ok((Taken { report, after }, last_line));
            }
        }
    }

    async fn store(&self, step: Step) -> Result<(), Refusal> {
        let Some(first) = step.numbers.first().copied() else {
            return Ok(());
        };
        let command = Command::RestoreEntries {
            application: self.application,
            entries: step.entries,
        };
        match submit(&self.app, Request::new(command)).await {
            Ok(_) => Ok(()),
            Err(Failure::Rejected(Rejection::Unrestorable { index, reason })) => {
                let line = step.numbers.get(index).copied().unwrap_or(first);
                Err(Refusal::new(line, Cause::OutOfOrder(reason)))
            }
            Err(failure) => Err(Refusal::engine(first, failure)),
        }
    }

    async fn finish(&self, header_line: u64, last_line: u64) -> Result<(), Refusal> {
        let command = Command::FinishRestore {
            application: self.application,
            token: self.token.clone(),
        };
        match submit(&self.app, Request::new(command)).await {
            Ok(_) => Ok(()),
            Err(Failure::Rejected(Rejection::TokenTaken)) => {
                Err(Refusal::new(header_line, Cause::Conflict { differs_at: None }))
            }
            Err(Failure::Rejected(Rejection::Unrestorable { reason, .. })) => {
                Err(Refusal::new(last_line, Cause::OutOfOrder(reason)))
            }
            Err(failure) => Err(Refusal::engine(last_line, failure)),
        }
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let (app, application) = (self.app.clone(), self.application);
        // Without a runtime the process is ending; an engine drops unfinished restores when it opens.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { give_up(&app, application).await });
        }
    }
}

/// Nobody sees an application that is being restored, so a failure here costs space until the engine opens again.
async fn give_up(app: &App, application: ApplicationId) {
    let command = Command::AbandonRestore { application };
    match submit(app, Request::new(command)).await {
        // Not being restored any more: a finish whose outcome was unknown succeeded.
        Ok(_) | Err(Failure::Rejected(_)) => {}
        Err(failure) => tracing::warn!(?failure, "an interrupted import could not be given up"),
    }
}

impl Step {
    /// Reads entries until the step is full, the application ends, or a line cannot be taken.
    async fn read(upload: &mut Upload, reader: &mut EntryReader, limits: &Limits) -> (Step, Option<Refusal>) {
        let mut step = Step::default();
        while !step.is_full() {
            let line = match received(upload).await {
                Ok(Some(line)) => line,
                Ok(None) => {
                    let refusal = Refusal::new(upload.lines_read() + 1, Cause::Truncated);
                    return (step, Some(refusal));
                }
                Err(refusal) => return (step, Some(refusal)),
            };
            match reader.read(&line.bytes, limits) {
                Ok(read) => {
                    step.bytes += line.bytes.len();
                    step.entries.push(read.entry);
                    step.numbers.push(line.number);
                    step.after = read.end;
                }
                Err(_) if LineKind::of(&line.bytes) == Ok(LineKind::Tiro) => {
                    return (step, Some(Refusal::new(line.number, Cause::Truncated)));
                }
                Err(fault) => return (step, Some(Refusal::line(line.number, fault))),
            }
        }
        (step, None)
    }

    fn is_full(&self) -> bool {
        self.after.is_some() || self.entries.len() >= STEP_ENTRIES_MAX || self.bytes >= STEP_BYTES_MAX
    }
}

fn count(report: &mut ImportReport, entries: &[Entry]) {
    report.lines += entries.len() as u64;
    for change in entries.iter().map(|entry| &entry.change) {
        match (&change.subject, change.action) {
            (Subject::Chat { .. }, Action::Created) => report.chats_created += 1,
            (Subject::Message { .. }, Action::Created) => report.messages_created += 1,
            _ => {}
        }
    }
}
