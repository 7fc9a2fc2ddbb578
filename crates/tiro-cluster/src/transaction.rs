//! One transaction: lock, find the facts, decide, write, commit.
//!
//! Two round trips where the first look finds all facts, as it does for creates: one that begins, locks and looks, and one
//! that writes and commits. Each further look is one more, and one where there are parked creates: what was rejected. Where
//! another node held the lock, those who came meanwhile join.

use tiro_core::{
    ApplicationId, ApplicationNeed, Command, Event, Facts, Failure, Reply, Timestamp, Token, decide,
    decide_parked,
};

use crate::clock::Clock;
use crate::mysql::facts::Found;
use crate::mysql::fetch::{self, Locked, Scope};
use crate::mysql::refused::{self, Refused};
use crate::mysql::session::Session;
use crate::mysql::store::Decided;
use crate::mysql::trouble::Trouble;
use crate::planted::{self, Bug};
use crate::queue::Job;

/// Looks for facts: a key's change, then its chat, then markers and counts; more would be a mistake of this program.
const LOOKS_MAX: usize = 8;

/// What comes of one request.
pub(crate) enum Answer {
    Reply(Result<Reply, Failure>),
    /// Its application is in another partition: it was made after the request was given to this one.
    Elsewhere {
        application: ApplicationId,
        partition: u16,
    },
}

/// What is true once a transaction is carried out.
pub(crate) struct Carried {
    /// One for each request, in order.
    pub(crate) answers: Vec<Answer>,
    /// Feeds that went on, and how far.
    pub(crate) moved: Vec<(ApplicationId, u64)>,
    /// Applications of this partition that came to be, with the token where it is bound.
    pub(crate) made: Vec<(ApplicationId, Option<Token>)>,
}

/// How a transaction ended.
pub(crate) enum Ended {
    Carried(Carried),
    /// Its COMMIT was not answered: it was carried out if its id is there.
    Unknown {
        id: [u8; 16],
        carried: Carried,
        text: String,
    },
    /// It was not carried out.
    Failed(Trouble),
}

/// Carries requests out in one transaction. Once the partition is locked, `join` may add some that [`may_join`].
pub(crate) async fn carry_out(
    session: &mut Session,
    partition: u16,
    jobs: &mut Vec<Job>,
    join: impl FnOnce(&mut Vec<Job>),
    clock: &Clock,
) -> Ended {
    let (found, locked, mut facts) = match look(session, partition, jobs, join).await {
        Ok(looked) => looked,
        Err(trouble) => return Ended::Failed(trouble),
    };
    let mut refused = match refused::find(session, jobs, &facts).await {
        Ok(refused) => refused,
        Err(trouble) => return Ended::Failed(trouble),
    };
    let now = clock();
    let (answers, events) = decide_all(jobs, (&mut facts, &mut refused), &found, partition, now);
    let carried = Carried {
        answers,
        moved: moved(&facts),
        made: events.iter().filter_map(made).collect(),
    };
    if events.is_empty() && refused.noted().is_empty() {
        return match session.tell("ROLLBACK").await {
            Ok(()) => Ended::Carried(carried),
            Err(trouble) => Ended::Failed(trouble),
        };
    }
    let mut id = [0; 16];
    if let Err(error) = getrandom::fill(&mut id) {
        return Ended::Failed(Trouble::Again(format!("no random bytes: {error}")));
    }
    let decided = Decided {
        partition,
        locked: &locked,
        transaction: id,
        at: now,
        events: &events,
        facts: &facts,
        refused: refused.noted(),
    };
    if planted::now_and_then(Bug::AcknowledgeBeforeCommit) {
        return match session.tell("ROLLBACK").await {
            Ok(()) => Ended::Carried(carried),
            Err(trouble) => Ended::Failed(trouble),
        };
    }
    match session.run(decided.script(), |_, _| Ok(())).await {
        Ok(()) if planted::now_and_then(Bug::UnknownCommitIsNo) => {
            Ended::Failed(Trouble::Closed("its answer is lost".to_owned()))
        }
        Ok(()) if planted::now_and_then(Bug::RetryStoresTwice) => {
            Ended::Failed(Trouble::Again("it is taken again".to_owned()))
        }
        Ok(()) => Ended::Carried(carried),
        Err(Trouble::Lost(text)) => Ended::Unknown { id, carried, text },
        Err(trouble) => Ended::Failed(trouble),
    }
}

/// Whether a transaction was carried out, asked on another connection than its own. The lock on the partition waits for
/// whatever is left of it.
pub(crate) async fn was_carried_out(
    session: &mut Session,
    partition: u16,
    id: [u8; 16],
) -> Result<bool, Trouble> {
    let found = fetch::transaction(session, partition, id).await?;
    session.tell("ROLLBACK").await?;
    Ok(found)
}

async fn look(
    session: &mut Session,
    partition: u16,
    jobs: &mut Vec<Job>,
    join: impl FnOnce(&mut Vec<Job>),
) -> Result<(Found, Locked, Facts), Trouble> {
    let mut found = Found::default();
    know_tokens(&mut found, jobs);
    let scope = if jobs.iter().all(|job| may_join(&job.request.command)) {
        Scope::Partition
    } else {
        Scope::Server
    };
    let (_, mut wanted) = found.load(ApplicationId(0), jobs.iter().map(|job| &job.request));
    let locked = fetch::begin(session, (partition, scope), &mut found, &wanted).await?;
    let early = jobs.len();
    join(jobs);
    know_tokens(&mut found, &jobs[early..]);
    for _ in 0..LOOKS_MAX {
        let requests = jobs.iter().map(|job| &job.request);
        let facts;
        (facts, wanted) = found.load(ApplicationId(locked.next_application), requests);
        if wanted.is_empty() {
            return Ok((found, locked, facts));
        }
        fetch::more(session, &mut found, &wanted).await?;
    }
    Err(Trouble::Refused(format!(
        "facts were still missing after {LOOKS_MAX} looks: {wanted:?}"
    )))
}

fn know_tokens(found: &mut Found, jobs: &[Job]) {
    for job in jobs {
        if let (Some(id), ApplicationNeed::Token(token)) =
            (job.application, job.request.command.application())
        {
            found.bound.insert(token.clone(), id);
        }
    }
}

/// Whether the lock on the partition is enough: no token, key of the server or number of an application is given out.
pub(crate) fn may_join(command: &Command) -> bool {
    !makes_application(command) && !matches!(command, Command::FinishRestore { .. })
}

fn makes_application(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateApplication(_) | Command::BeginRestore { .. }
    )
}

fn decide_all(
    jobs: &[Job],
    (facts, refused): (&mut Facts, &mut Refused),
    found: &Found,
    partition: u16,
    now: Timestamp,
) -> (Vec<Answer>, Vec<Event>) {
    let mut events = Vec::new();
    let answers = jobs.iter().map(|job| {
        if let Some(elsewhere) = elsewhere(&job.request.command, facts, found, partition) {
            return elsewhere;
        }
        let place = refused::place(job, facts);
        let decided = match place {
            None => decide(facts, &planted::request(&job.request), now),
            Some(place) => {
                let decided = decide_parked(facts, &job.request, refused.known(place), now);
                if let Err(rejection) = &decided {
                    refused.note(place, rejection);
                }
                decided
            }
        };
        let decided = decided.map(|mut decision| {
            planted::spoil(&mut decision, facts);
            decision.events.iter().for_each(|event| facts.apply(event));
            events.extend(decision.events);
            decision.reply
        });
        let refused = decided.inspect_err(|_| planted::refused());
        Answer::Reply(refused.map_err(Failure::from))
    });
    (answers.collect(), events)
}

fn elsewhere(command: &Command, facts: &Facts, found: &Found, partition: u16) -> Option<Answer> {
    if makes_application(command) {
        return None;
    }
    let application = match command.application() {
        ApplicationNeed::Token(token) => facts.application_by_token(token)?.id,
        ApplicationNeed::Id(id) => id,
    };
    let there = found.partition(application).filter(|there| *there != partition)?;
    Some(Answer::Elsewhere {
        application,
        partition: there,
    })
}

fn moved(facts: &Facts) -> Vec<(ApplicationId, u64)> {
    let changed = facts.changed_applications();
    changed
        .map(|application| (application.id, application.last_position))
        .collect()
}

fn made(event: &Event) -> Option<(ApplicationId, Option<Token>)> {
    match event {
        Event::ApplicationCreated { application, .. } => {
            Some((application.id, Some(application.token.clone())))
        }
        Event::RestoreBegun { application } => Some((application.id, None)),
        Event::RestoreFinished { application, token } => Some((*application, Some(token.clone()))),
        _ => None,
    }
}
