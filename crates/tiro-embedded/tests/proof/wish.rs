//! What a workload wants: one request, or a whole restore, which takes several.

use tiro_conformance::ExportedApplication;
use tiro_core::{ApplicationId, Command, Engine, Failure, IdempotencyKey, Outcome, Pending, Reply, Request};

/// Entries of a restore's requests, but for the last.
const RESTORED_AT_ONCE: usize = 7;

#[derive(Clone)]
pub(crate) enum Wish {
    Request(Request),
    Restore(Restore),
}

/// An exported application that is put in. Nothing of it is seen before its end.
#[derive(Clone)]
pub(crate) struct Restore {
    pub(crate) exported: ExportedApplication,
    pub(crate) end: RestoreEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestoreEnd {
    Finished,
    Abandoned,
    /// Given up by the next start.
    LeftOpen,
}

impl Wish {
    pub(crate) fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Wish::Request(request) => request.key.as_ref().map(|(key, _)| key),
            Wish::Restore(_) => None,
        }
    }

    pub(crate) fn command(&self) -> Option<&Command> {
        match self {
            Wish::Request(request) => Some(&request.command),
            Wish::Restore(_) => None,
        }
    }

    pub(crate) fn is_restore(&self) -> bool {
        matches!(self, Wish::Restore(_))
    }

    /// Hands a request in. A restore is carried out only while its answer is waited for. An application is answered
    /// without its number inside the engine: a restore that a crash cut off and that is begun again takes another one.
    pub(crate) fn submit<'a>(&'a self, engine: &'a dyn Engine) -> Pending<'a, Reply> {
        match self {
            Wish::Request(request) => {
                let answer = engine.write(request.clone());
                Box::pin(async { Ok(visible_part(answer.await?)) })
            }
            Wish::Restore(restore) => Box::pin(restore.carry_out(engine)),
        }
    }
}

fn visible_part(mut reply: Reply) -> Reply {
    if let Outcome::Application(application) = &mut reply.outcome {
        application.id = ApplicationId(0);
    }
    reply
}

impl Restore {
    /// Answers what its last request was answered.
    async fn carry_out(&self, engine: &dyn Engine) -> Result<Reply, Failure> {
        let write = |command| engine.write(Request::new(command));
        let Restore { exported, end } = self;
        let token = exported.application.token.clone();
        let begin = Command::BeginRestore {
            token: token.clone(),
            epoch: exported.application.epoch.clone(),
            last_position: exported.application.last_position,
        };
        let Outcome::RestoreBegun(application) = write(begin).await?.outcome else {
            panic!("a restore begins with its number");
        };
        let mut answer = None;
        for entries in exported.entries.chunks(RESTORED_AT_ONCE) {
            let entries = entries.to_vec();
            answer = Some(write(Command::RestoreEntries { application, entries }).await?);
        }
        match end {
            RestoreEnd::Finished => write(Command::FinishRestore { application, token }).await,
            RestoreEnd::Abandoned => write(Command::AbandonRestore { application }).await,
            RestoreEnd::LeftOpen => Ok(answer.expect("an application has an entry")),
        }
    }
}
