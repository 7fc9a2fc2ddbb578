//! What a request means, given the state of things: the rules of the domain.
//!
//! The order is the same for every command: the application must be there, then the key is looked up (a known one
//! answers what it answered before, whatever happened since), then the other rules. Nothing is changed here.

mod application;
mod chat;
mod import;
mod message;
mod parked;
mod reader;
mod replay;
mod restore;

pub use parked::{OperationFacts, decide_parked, is_told_by_the_application, operation_state};

use crate::{
    Application, ApplicationId, Command, Event, Facts, IfMatch, Rejection, Reply, Request, Timestamp, Token,
};

/// What follows from an accepted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// To be stored together and applied in this order; none if the request changes nothing.
    pub events: Vec<Event>,
    /// The answer, once they are durable.
    pub reply: Reply,
}

/// Decides a request at the time `now`.
///
/// # Errors
/// Why the state of things refuses it; then nothing changes and no key is bound.
///
/// # Panics
/// If a fact that the request needs was not loaded ([`Facts::load`]).
pub fn decide(facts: &Facts, request: &Request, now: Timestamp) -> Result<Decision, Rejection> {
    match &request.command {
        Command::CreateApplication(create) => application::create(facts, request, create, now),
        Command::DeleteApplication { token, .. } if is_deleted(facts, token) => {
            Ok(application::deleted_before())
        }
        Command::BeginRestore {
            token,
            epoch,
            last_position,
        } => restore::begin(facts, token, epoch, *last_position, now),
        Command::RestoreEntries { application, entries } => restore::entries(facts, *application, entries),
        Command::FinishRestore { application, token } => restore::finish(facts, *application, token),
        Command::AbandonRestore { application } => restore::abandon(facts, *application),
        Command::RenewEpoch { application, epoch } => application::renew_epoch(facts, *application, epoch),
        command => {
            let application = live(facts, command)?;
            match replay::of(facts, application, request)? {
                Some(decision) => Ok(decision),
                None => first_time(facts, application, request, now),
            }
        }
    }
}

/// A request to a live application under no known key.
fn first_time(
    facts: &Facts,
    application: &Application,
    request: &Request,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    match &request.command {
        Command::UpdateApplication(update) => application::update(application, request, update, now),
        Command::DeleteApplication { if_match, .. } => {
            application::delete(application, request, if_match, now)
        }
        Command::CreateChat(create) => Ok(chat::create(application, request, create, now)),
        Command::UpdateChat(update) => chat::update(facts, application, request, update, now),
        Command::DeleteChat { chat, if_match, .. } => {
            chat::delete(facts, application, request, (*chat, if_match), now)
        }
        Command::CreateMessage { chat, content, .. } => {
            message::create(facts, application, request, (*chat, content), now)
        }
        Command::CreateMessages { chat, messages, .. } => {
            message::create_batch(facts, application, request, (*chat, messages), now)
        }
        Command::UpdateMessage(update) => message::update(facts, application, request, update, now),
        Command::DeleteMessage {
            chat,
            number,
            if_match,
            ..
        } => message::delete(facts, application, request, (*chat, *number, if_match), now),
        Command::SetRead {
            chat, reader, read, ..
        } => reader::set(facts, application, (*chat, reader, *read), now),
        Command::ImportChat(import) => Ok(import::chat(application, request, import, now)),
        Command::ImportMessages { chat, lines, .. } => {
            import::messages(facts, application, *chat, lines, now)
        }
        Command::CreateApplication(_)
        | Command::BeginRestore { .. }
        | Command::RestoreEntries { .. }
        | Command::FinishRestore { .. }
        | Command::AbandonRestore { .. }
        | Command::RenewEpoch { .. } => unreachable!("decided before a live application is looked for"),
    }
}

fn is_deleted(facts: &Facts, token: &Token) -> bool {
    facts
        .application_by_token(token)
        .is_some_and(|application| application.deleted_at.is_some())
}

/// The live application that a command names.
fn live<'a>(facts: &'a Facts, command: &Command) -> Result<&'a Application, Rejection> {
    let crate::ApplicationNeed::Token(token) = command.application() else {
        unreachable!("commands that name an application by number are decided apart")
    };
    let application = facts
        .application_by_token(token)
        .ok_or(Rejection::ApplicationNotFound)?;
    if application.deleted_at.is_some() {
        Err(Rejection::ApplicationDeleted)
    } else {
        Ok(application)
    }
}

/// The condition of a write against the present version.
fn check_version(if_match: &IfMatch, current: u64) -> Result<(), Rejection> {
    if if_match.admits(current) {
        Ok(())
    } else {
        Err(Rejection::VersionMismatch { current })
    }
}

impl Decision {
    /// One event that takes `position` in the application's feed.
    fn one(application: &Application, position: u64, event: Event, outcome: crate::Outcome) -> Decision {
        let cursor = Some(application.cursor_at(position));
        Decision {
            events: vec![event],
            reply: Reply {
                outcome,
                cursor,
                replayed: false,
            },
        }
    }

    /// A step that makes no entry.
    fn step(events: Vec<Event>, outcome: crate::Outcome) -> Decision {
        Decision {
            events,
            reply: Reply {
                outcome,
                cursor: None,
                replayed: false,
            },
        }
    }
}

/// An application that is being restored.
fn restoring(facts: &Facts, id: ApplicationId) -> Result<(&Application, u64), Rejection> {
    let application = facts.application(id).ok_or(Rejection::NotRestoring)?;
    match application.stage {
        crate::Stage::Restoring { last_position } => Ok((application, last_position)),
        crate::Stage::Ready => Err(Rejection::NotRestoring),
    }
}
