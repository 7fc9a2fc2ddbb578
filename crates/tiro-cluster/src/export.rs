//! Export: whole feeds from one snapshot, a piece at a time, on a connection of its own.

use std::sync::LazyLock;

use tiro_core::{
    Application, ApplicationId, Entry, Export, Exported, Failure, Pending, Rejection, Stage, Thing, Token,
};

use crate::mysql::rows::{self, APPLICATION_COLUMNS};
use crate::reads::{FeedPiece, Read, ReadError, Session, Snapshot, Wanted, live_application, token_bytes};

/// Most entries of one piece.
const ENTRIES_MAX: u32 = 1_000;
/// Entries of the first piece of a feed. What a piece does not take is read for nothing, so pieces grow while they fit.
const ENTRIES_FIRST: u32 = 100;
/// Bytes of texts of one piece, but for the last entry.
const BYTES_MAX: usize = 2 * 1024 * 1024;
/// Applications read together.
const APPLICATIONS_TOGETHER: u32 = 100;

static BY_TOKEN: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {APPLICATION_COLUMNS} FROM applications WHERE token = ? AND restoring = 0")
});

static ABOVE: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {APPLICATION_COLUMNS} FROM applications WHERE id > ? ORDER BY id LIMIT ?")
});

/// What is left of an export.
struct Running {
    snapshot: Snapshot,
    /// Read and not begun, the next one last.
    applications: Vec<Application>,
    /// The last one read; `None` where no further ones are to be read.
    reached: Option<ApplicationId>,
    feed: Option<Feed>,
}

/// The entries of one application that are still to come.
struct Feed {
    application: Application,
    /// The position after which they begin.
    after: u64,
    /// Of a deleted application: all that is left.
    last_entry: Option<Entry>,
    entries_max: u32,
}

/// Begins, in a snapshot that is held until the export is dropped.
pub(crate) async fn begin(snapshot: Snapshot, token: Option<Token>) -> Result<Box<dyn Export>, Failure> {
    let mut running = Running {
        snapshot,
        applications: Vec::new(),
        reached: Some(ApplicationId(0)),
        feed: None,
    };
    if let Some(token) = token {
        let one = OneOf(&token);
        let application = running.snapshot.read(&one).await?;
        running.applications.push(application);
        running.reached = None;
    }
    Ok(Box::new(running))
}

impl Export for Running {
    fn next(&mut self) -> Pending<'_, Option<Exported>> {
        Box::pin(self.piece())
    }
}

impl Running {
    async fn piece(&mut self) -> Result<Option<Exported>, Failure> {
        if let Some(feed) = &mut self.feed {
            let entries = feed.entries(&mut self.snapshot).await?;
            if !entries.is_empty() {
                return Ok(Some(Exported::Entries(entries)));
            }
        }
        if let (true, Some(reached)) = (self.applications.is_empty(), self.reached) {
            (self.applications, self.reached) = self.snapshot.read(&Above(reached)).await?;
        }
        let application = self.applications.pop();
        self.feed = application.as_ref().map(Feed::of);
        Ok(application.map(Exported::Application))
    }
}

impl Feed {
    /// All entries; of a deleted application only the last.
    fn of(application: &Application) -> Feed {
        let last_entry = application.last_entry();
        Feed {
            application: application.clone(),
            after: match &last_entry {
                Some(_) => application.last_position,
                None => 0,
            },
            last_entry,
            entries_max: ENTRIES_FIRST,
        }
    }

    /// The next piece; empty at the end.
    async fn entries(&mut self, snapshot: &mut Snapshot) -> Result<Vec<Entry>, Failure> {
        if let Some(entry) = self.last_entry.take() {
            return Ok(vec![entry]);
        }
        if self.after >= self.application.last_position {
            return Ok(Vec::new());
        }
        let piece = FeedPiece {
            application: &self.application,
            after: self.after,
            entries_max: self.entries_max,
            bytes_max: BYTES_MAX,
        };
        let entries = snapshot.read(&piece).await?;
        self.after += entries.len() as u64;
        let bytes: usize = entries
            .iter()
            .filter_map(|entry| entry.thing.as_ref())
            .map(Thing::bytes)
            .sum();
        self.entries_max = next_size(self.entries_max, bytes);
        Ok(entries)
    }
}

/// How many entries to ask for when the last piece was asked for so many and has so many bytes.
fn next_size(entries_max: u32, bytes: usize) -> u32 {
    if bytes >= BYTES_MAX {
        (entries_max / 2).max(ENTRIES_FIRST)
    } else if bytes < BYTES_MAX / 4 {
        (entries_max * 2).min(ENTRIES_MAX)
    } else {
        entries_max
    }
}

/// The live application that a token is bound to.
struct OneOf<'a>(&'a Token);

impl Read for OneOf<'_> {
    type Answer = Application;

    async fn read(&self, session: &mut Session<'_>) -> Result<Application, ReadError> {
        let row = session
            .one(sqlx::query(BY_TOKEN.as_str()).bind(token_bytes(self.0)))
            .await?;
        let row = row.ok_or(Rejection::ApplicationNotFound)?;
        let stored = rows::application(&row, 0)?;
        Ok(live_application(stored.map(|stored| stored.application))?)
    }
}

/// The next applications above a number, tombstones too, the first one last; and from where to go on.
struct Above(ApplicationId);

impl Read for Above {
    type Answer = (Vec<Application>, Option<ApplicationId>);

    async fn read(&self, session: &mut Session<'_>) -> Result<Self::Answer, ReadError> {
        let mut reached = self.0;
        loop {
            let statement = sqlx::query(ABOVE.as_str())
                .bind(reached.0)
                .bind(APPLICATIONS_TOGETHER);
            let (mut found, mut looked_at) = (Vec::new(), 0);
            session
                .each(statement, |row| {
                    looked_at += 1;
                    if let Some(stored) = rows::application(row, 0)? {
                        reached = stored.application.id;
                        let is_visible = stored.application.stage == Stage::Ready;
                        found.extend(is_visible.then_some(stored.application));
                    }
                    Ok(Wanted::More)
                })
                .await?;
            let further = (looked_at == APPLICATIONS_TOGETHER).then_some(reached);
            if !found.is_empty() || further.is_none() {
                found.reverse();
                return Ok((found, further));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_while_they_are_small_and_shrink_where_they_do_not_fit() {
        assert_eq!(next_size(ENTRIES_FIRST, 1_000), 2 * ENTRIES_FIRST);
        assert_eq!(next_size(800, 1_000), ENTRIES_MAX);
        assert_eq!(next_size(ENTRIES_MAX, BYTES_MAX), ENTRIES_MAX / 2);
        assert_eq!(next_size(ENTRIES_FIRST, BYTES_MAX), ENTRIES_FIRST);
        assert_eq!(next_size(400, BYTES_MAX / 2), 400);
    }
}
