//! Export: whole feeds from one state of the view, a piece at a time, on threads that may block.

use std::sync::Arc;

use tiro_core::{Application, Entry, Export, Exported, Failure, Pending, Rejection, Stage, Thing, Token};

use crate::blocking::blocking;
use crate::feed::{self, PIECE_ENTRIES_MAX};
use crate::recent::{Recent, Rows, State};
use crate::view::{Snapshot, ViewError};

/// Bytes of texts of one piece, but for the last entry.
const BYTES_MAX: usize = 2 * 1024 * 1024;

type Applications = Box<dyn Iterator<Item = Result<Application, ViewError>> + Send>;

/// What is left of an export.
struct Walk {
    state: State,
    applications: Applications,
    feed: Option<Feed>,
}

struct Running(Option<Walk>);

/// Waits for the view and begins.
pub(crate) async fn begin(recent: Arc<Recent>, token: Option<Token>) -> Result<Box<dyn Export>, Failure> {
    let walk = blocking("an export", move || {
        let snapshot = recent.settle()?;
        let applications: Applications = match token {
            None => Box::new(
                snapshot
                    .applications()
                    .filter(|row| !row.as_ref().is_ok_and(is_restoring)),
            ),
            Some(token) => Box::new(std::iter::once(Ok(one(&snapshot, &token)?))),
        };
        Ok(Walk {
            state: State::settled(snapshot),
            applications,
            feed: None,
        })
    });
    Ok(Box::new(Running(Some(walk.await?))))
}

fn one(snapshot: &Snapshot, token: &Token) -> Result<Application, Failure> {
    let id = snapshot
        .application_id(token)?
        .ok_or(Rejection::ApplicationNotFound)?;
    crate::reads::live_application(snapshot.application(id)?)
}

fn is_restoring(application: &Application) -> bool {
    application.stage != Stage::Ready
}

impl Export for Running {
    fn next(&mut self) -> Pending<'_, Option<Exported>> {
        Box::pin(async move {
            let Some(mut walk) = self.0.take() else {
                return Ok(None);
            };
            let (walk, piece) = blocking("an export", move || {
                let piece = walk.next()?;
                Ok((walk, piece))
            })
            .await?;
            self.0 = piece.is_some().then_some(walk);
            Ok(piece)
        })
    }
}

impl Walk {
    fn next(&mut self) -> Result<Option<Exported>, Failure> {
        if let Some(feed) = &mut self.feed {
            let entries = feed.entries(&self.state)?;
            if !entries.is_empty() {
                return Ok(Some(Exported::Entries(entries)));
            }
        }
        let Some(application) = self.applications.next().transpose()? else {
            return Ok(None);
        };
        let feed = Feed::of(&application);
        self.feed = Some(feed);
        Ok(Some(Exported::Application(application)))
    }
}

/// The entries of one application that are still to come.
struct Feed {
    application: Application,
    next_position: u64,
    /// Read, and more than the last piece had room for.
    entries: std::vec::IntoIter<Entry>,
}

impl Feed {
    /// All entries; of a deleted application only the last.
    fn of(application: &Application) -> Feed {
        let last_entry = application.last_entry();
        let next_position = match &last_entry {
            Some(_) => application.last_position + 1,
            None => 1,
        };
        Feed {
            application: application.clone(),
            next_position,
            entries: Vec::from_iter(last_entry).into_iter(),
        }
    }

    /// The next piece; empty at the end.
    fn entries(&mut self, state: &State) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        while entries.len() < PIECE_ENTRIES_MAX && bytes < BYTES_MAX {
            let Some(entry) = self.next(state)? else { break };
            bytes += entry.thing.as_ref().map_or(0, Thing::bytes);
            entries.push(entry);
        }
        Ok(entries)
    }

    fn next(&mut self, state: &State) -> Result<Option<Entry>, Failure> {
        if let Some(entry) = self.entries.next() {
            return Ok(Some(entry));
        }
        let (first, end) = (self.next_position, self.application.last_position);
        if first > end {
            return Ok(None);
        }
        let last = end.min(first + PIECE_ENTRIES_MAX as u64 - 1);
        let (rows, id) = (Rows::Held(state), self.application.id);
        let entries = feed::entries(rows, id, feed::changes(rows, id, (first, last))?)?;
        self.next_position = first + entries.len() as u64;
        self.entries = entries.into_iter();
        Ok(self.entries.next())
    }
}
