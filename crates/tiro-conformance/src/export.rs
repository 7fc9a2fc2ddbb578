//! Reading whole exports, so that two states can be compared and one can be moved to another engine.

use tiro_core::{
    Application, ApplicationId, Command, Engine, Entry, Exported, Outcome, Rejection, Request, Thing, Token,
};

use crate::holder::rejection;

/// One application as an export tells it.
///
/// What no file of an export holds is 0 wherever it occurs, so that exports of two engines can be compared: its number
/// inside the engine, and how many chats a deleted application had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedApplication {
    /// What stands before the entries.
    pub application: Application,
    /// Its feed, in order.
    pub entries: Vec<Entry>,
}

/// Reads an export to its end.
///
/// # Panics
/// If the engine fails, sends an empty piece, or entries before their application.
pub async fn read_export(engine: &dyn Engine, token: Option<Token>) -> Vec<ExportedApplication> {
    let mut export = engine.export(token).await.expect("there is something to export");
    let mut applications: Vec<ExportedApplication> = Vec::new();
    while let Some(piece) = export.next().await.expect("an export goes on to its end") {
        match piece {
            Exported::Application(application) => {
                let application = visible_part(application);
                applications.push(ExportedApplication {
                    application,
                    entries: Vec::new(),
                });
            }
            Exported::Entries(entries) => {
                assert!(!entries.is_empty(), "a piece of an export has at least one entry");
                let current = applications
                    .last_mut()
                    .expect("an application precedes its entries");
                current.entries.extend(entries.into_iter().map(visible_entry));
            }
        }
    }
    applications
}

fn visible_entry(entry: Entry) -> Entry {
    let thing = match entry.thing {
        Some(Thing::Application(application)) => Some(Thing::Application(visible_part(application))),
        other => other,
    };
    Entry { thing, ..entry }
}

fn visible_part(mut application: Application) -> Application {
    application.id = ApplicationId(0);
    if application.deleted_at.is_some() {
        application.last_chat_number = 0;
    }
    application
}

/// Compares two exports, application by application and entry by entry.
///
/// # Panics
/// At the first difference, naming the place.
#[track_caller]
pub fn assert_same_export(found: &[ExportedApplication], expected: &[ExportedApplication]) {
    let tokens = |exported: &[ExportedApplication]| -> Vec<String> {
        let token = |one: &ExportedApplication| one.application.token.as_str().to_owned();
        exported.iter().map(token).collect()
    };
    assert_eq!(tokens(found), tokens(expected));
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.application, expected.application);
        for (found, expected) in found.entries.iter().zip(&expected.entries) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.entries.len(), expected.entries.len());
    }
}

/// Begins the restore of an exported application.
pub(crate) async fn begin_restore(engine: &dyn Engine, exported: &ExportedApplication) -> ApplicationId {
    let begin = Command::BeginRestore {
        token: exported.application.token.clone(),
        epoch: exported.application.epoch.clone(),
        last_position: exported.application.last_position,
    };
    let reply = engine.write(Request::new(begin)).await;
    let reply = reply.expect("the token is free");
    assert_eq!(reply.cursor, None);
    match reply.outcome {
        Outcome::RestoreBegun(application) => application,
        other => panic!("the beginning of a restore was expected, not {other:?}"),
    }
}

/// Sends the next entries of a restore.
pub(crate) async fn restore_entries(
    engine: &dyn Engine,
    application: ApplicationId,
    entries: &[Entry],
) -> Result<(), Rejection> {
    let entries = entries.to_vec();
    step(engine, Command::RestoreEntries { application, entries }).await
}

/// Ends a restore.
pub(crate) async fn finish_restore(
    engine: &dyn Engine,
    application: ApplicationId,
    token: &Token,
) -> Result<(), Rejection> {
    let token = token.clone();
    step(engine, Command::FinishRestore { application, token }).await
}

/// Gives a restore up.
pub(crate) async fn abandon_restore(
    engine: &dyn Engine,
    application: ApplicationId,
) -> Result<(), Rejection> {
    step(engine, Command::AbandonRestore { application }).await
}

async fn step(engine: &dyn Engine, command: Command) -> Result<(), Rejection> {
    match engine.write(Request::new(command)).await {
        Ok(reply) => {
            assert_eq!((reply.outcome, reply.cursor), (Outcome::Done, None));
            Ok(())
        }
        failure => Err(rejection(failure)),
    }
}

/// Restores applications, in steps of at most `step_entries` entries.
///
/// # Panics
/// If the engine refuses any of it.
pub async fn restore(engine: &dyn Engine, exported: &[ExportedApplication], step_entries: usize) {
    for one in exported {
        let application = begin_restore(engine, one).await;
        for entries in one.entries.chunks(step_entries) {
            let stored = restore_entries(engine, application, entries).await;
            stored.expect("exported entries can be restored");
        }
        let finished = finish_restore(engine, application, &one.application.token).await;
        finished.expect("a whole export can be finished");
    }
}
