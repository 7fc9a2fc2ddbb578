//! The proof that a stopped index says what the log says, as far as it goes.
//!
//! Each document is held against the messages that it stands for: its columns, its scopes, and that it has every gram of
//! the bodies it answers for. That is the latest edit's document where a message has one, else the run's. Then each chat
//! is looked through for messages that no document stands for. What was written after the last commit is left out.

mod coverage;
mod documents;
mod grams;
mod later;
#[cfg(test)]
pub(crate) mod planting;

use std::path::Path;

use tantivy::{Index, TantivyError};
use tiro_core::{Application, ApplicationId, Chat, Stage};

use self::later::Later;
use super::committed::{Committed, Run};
use super::directory::CheckedDirectory;
use super::index::{DiskIndex, IndexError};
use super::payload;
use crate::log::LogPoint;
use crate::view::{Snapshot, ViewError};

/// Grams of documents that are in memory together, 4 bytes each.
pub(crate) const GRAMS_TOGETHER: u64 = 16 * 1024 * 1024;

/// What stands where the index belongs.
pub(crate) enum Standing {
    /// Nothing of use, which is no fault: why the next start makes it anew.
    Unfinished(&'static str),
    /// Something that is damaged; how.
    Unusable(String),
    /// An index that can be held against the log.
    Whole(Box<IndexProof>),
}

/// An index that is being held against a log, which is handed over batch by batch first.
pub(crate) struct IndexProof {
    committed: Committed,
    through: LogPoint,
    later: Later,
    /// What the log has where the index ends.
    met: Option<LogPoint>,
    end: u64,
}

/// What came of it.
pub(crate) enum Proven {
    /// The index ends in no place of this log; why.
    OfAnotherLog(String),
    /// Too much was written after its last commit to tell what it has to have.
    TooFarBehind,
    /// All of it was held against the log, up to a batch.
    Through { sequence: u64, end: u64, documents: u64 },
}

/// Where findings and progress go.
pub(crate) struct Listener<'a> {
    /// Gets the place and the problem.
    pub(crate) on_finding: &'a mut dyn FnMut(String, String),
    /// Gets the documents that were looked at, and how many there are.
    pub(crate) on_progress: &'a mut dyn FnMut(u64, u64),
}

/// Why the proof could not be finished.
#[derive(Debug)]
pub(crate) enum ProofError {
    Index(String),
    View(ViewError),
}

impl std::fmt::Display for ProofError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProofError::Index(why) => f.write_str(why),
            ProofError::View(error) => error.fmt(f),
        }
    }
}

impl From<TantivyError> for ProofError {
    fn from(error: TantivyError) -> ProofError {
        ProofError::Index(error.to_string())
    }
}

impl From<std::io::Error> for ProofError {
    fn from(error: std::io::Error) -> ProofError {
        ProofError::Index(error.to_string())
    }
}

impl From<ViewError> for ProofError {
    fn from(error: ViewError) -> ProofError {
        ProofError::View(error)
    }
}

impl IndexProof {
    /// Opens what is there and looks at every byte of it.
    ///
    /// # Errors
    /// The machine refused something.
    pub(crate) fn open(folder: &Path) -> Result<Standing, ProofError> {
        if !folder.exists() {
            return Ok(Standing::Unfinished("is missing"));
        }
        if let Some(why) = unfinished(folder) {
            return Ok(Standing::Unfinished(why));
        }
        let index = match DiskIndex::open(folder) {
            Ok(index) => index,
            Err(IndexError::Unusable(why)) => return Ok(Standing::Unusable(why)),
            Err(IndexError::Refused(why)) => return Err(ProofError::Index(why)),
        };
        let committed = match index.committed() {
            Ok(committed) => committed,
            Err(error) => return Ok(Standing::Unusable(error.to_string())),
        };
        let Some(through) = index.through() else {
            return Ok(Standing::Unfinished("was begun and has nothing yet"));
        };
        Ok(Standing::Whole(Box::new(IndexProof {
            committed,
            through,
            later: Later::default(),
            met: None,
            end: 0,
        })))
    }

    /// Takes note of the next batch of the log.
    pub(crate) fn batch(&mut self, after: LogPoint, payload: &[u8]) {
        self.end = after.sequence;
        if after.sequence == self.through.sequence {
            self.met = Some(after);
        }
        if after.sequence > self.through.sequence {
            self.later.batch(payload);
        }
    }

    /// Holds all of the index against a state made from the whole log.
    ///
    /// # Errors
    /// The index or the view cannot be read.
    pub(crate) fn prove(
        &self,
        state: &Snapshot,
        grams_together: u64,
        listener: &mut Listener<'_>,
    ) -> Result<Proven, ProofError> {
        let (through, end) = (self.through, self.end);
        if through.sequence > end {
            let why = format!("it goes up to {through}, the log ends at batch {end}");
            return Ok(Proven::OfAnotherLog(why));
        }
        if self.met != Some(through) {
            let why = format!("it goes up to {through}, which is no place of this log");
            return Ok(Proven::OfAnotherLog(why));
        }
        if self.later.is_too_much() {
            return Ok(Proven::TooFarBehind);
        }
        let log = Logged {
            state,
            later: &self.later,
        };
        let documents = documents::prove(&self.committed, &log, grams_together, listener)?;
        coverage::prove(&self.committed, &log, listener)?;
        Ok(Proven::Through {
            sequence: through.sequence,
            end,
            documents,
        })
    }
}

/// Whether the last process that made the index did not come to its first commit, or was of another version.
fn unfinished(folder: &Path) -> Option<&'static str> {
    // What cannot be read here is judged where the index is opened.
    let index = Index::open(CheckedDirectory::open(folder).ok()?).ok()?;
    match index.load_metas().ok()?.payload {
        None => Some("was begun and has nothing yet"),
        Some(payload) if payload::decode(&payload).is_none() => {
            Some("was made by another version of Tiro, or by other rules of folding")
        }
        Some(_) => None,
    }
}

/// What the log says: its state at the end, and what of that the index cannot know.
struct Logged<'a> {
    state: &'a Snapshot,
    later: &'a Later,
}

/// Whether the index has to have the messages of a chat.
enum Due {
    Indexed(Chat),
    /// The chat is gone, or never was; why.
    Gone(&'static str),
    /// It was deleted after the last commit, or its restore is not finished and the next start gives it up.
    Either,
}

impl Logged<'_> {
    fn due(&self, id: ApplicationId, number: u64) -> Result<Due, ViewError> {
        let Some(application) = self.state.application(id)? else {
            return Ok(Due::Gone("an application that the log has not"));
        };
        if application.stage != Stage::Ready || self.later.is_gone(id, number) {
            return Ok(Due::Either);
        }
        if application.deleted_at.is_some() {
            return Ok(Due::Gone("a deleted application"));
        }
        Ok(match self.state.chat(id, number)? {
            None => Due::Gone("a chat that the log has not"),
            Some(chat) if chat.deleted_at.is_some() => Due::Gone("a deleted chat"),
            Some(chat) => Due::Indexed(chat),
        })
    }

    fn is_proven(&self, application: &Application) -> bool {
        application.stage == Stage::Ready && application.deleted_at.is_none()
    }
}

fn place_of(run: &Run) -> String {
    let Run {
        application,
        chat,
        first,
        count,
    } = run;
    let last = first.saturating_add(*count).saturating_sub(1);
    let numbers = if *first == last {
        format!("message {first}")
    } else {
        format!("messages {first} to {last}")
    };
    format!("index, application {}, chat {chat}, {numbers}", application.0)
}
