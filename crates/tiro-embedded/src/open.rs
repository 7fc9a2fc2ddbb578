//! Opening a data folder: the view as it is, then the log from where the view left off.
//!
//! A view that does not open or does not fit is made anew from the log. A log that lost synced bytes is not opened,
//! unless the loss is accepted; then every application gets a new epoch, so that old cursors are told from new ones.

use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;
use tiro_core::{ApplicationId, Command, Epoch, Facts, Request};

use crate::disk::Disk;
use crate::encoding::events;
use crate::engine::{EmbeddedEngine, Opened};
use crate::errors::OpenError;
use crate::folder::Folder;
use crate::follower;
use crate::log::{self, Log, LogPoint, OnDamage, Recovered, ReplayError, ReplayedBatch};
use crate::opening::{Opening, ViewRebuilt};
use crate::options::Options;
use crate::planted;
use crate::recent::Recent;
use crate::view::apply::Flush;
use crate::view::keys::Kind;
use crate::view::space::ViewOptions;
use crate::view::{View, ViewError};

/// Bytes of events between two rounds while the log is replayed.
const ROUND_BYTES: usize = 8 * 1024 * 1024;

impl EmbeddedEngine {
    /// Opens a data folder, or begins one, and brings it to the state of the last durable batch.
    ///
    /// # Errors
    /// The folder is in use, unusable, of another format, or its log is damaged.
    pub fn open(folder: &Path, mut options: Options) -> Result<EmbeddedEngine, OpenError> {
        planted::choose().map_err(OpenError::Start)?;
        let disk = Arc::clone(&options.disk);
        let folder = Folder::take(&*disk, folder)?;
        let opened = open_log(&disk, &folder, &mut options)?;
        report(&opened.opening.log);
        let path = folder.log();
        let engine = EmbeddedEngine::start(folder, opened, options.search, options.clock, options.on_fatal)
            .map_err(|source| OpenError::Folder {
            doing: "start threads for",
            path,
            source,
        })?;
        abandon_restores(&engine)?;
        if engine.opening().log.accepted_loss.is_some() {
            renew_epochs(&engine)?;
        }
        Ok(engine)
    }
}

fn open_log(disk: &Arc<dyn Disk>, folder: &Folder, options: &mut Options) -> Result<Opened, OpenError> {
    let (view, rebuilt) = open_view(folder, options.view)?;
    let rebuilt = match replay_log(disk, folder, options, view) {
        Err(OpenError::Log(log::OpenError::ViewDisagrees { view })) => ViewRebuilt::Disagrees(view),
        Err(OpenError::Log(log::OpenError::ViewAhead { view, .. })) if options.accept_data_loss => {
            ViewRebuilt::Ahead(view)
        }
        Err(OpenError::View(error)) => damaged(folder, &error)?,
        opened => return opened.map(|opened| opened.with(rebuilt)),
    };
    let view = new_view(folder, options.view, &rebuilt)?;
    Ok(replay_log(disk, folder, options, view)?.with(Some(rebuilt)))
}

impl Opened {
    fn with(mut self, view_rebuilt: Option<ViewRebuilt>) -> Opened {
        self.opening.view_rebuilt = view_rebuilt;
        self
    }
}

/// The view as it was left, or a new one and why.
fn open_view(folder: &Folder, options: ViewOptions) -> Result<(View, Option<ViewRebuilt>), OpenError> {
    check_writable(&folder.view())?;
    if folder.view_failed().exists() {
        let view = new_view(folder, options, &ViewRebuilt::Failed)?;
        let failed = folder.view_failed();
        return match std::fs::remove_file(&failed) {
            Ok(()) => Ok((view, Some(ViewRebuilt::Failed))),
            Err(source) => Err(OpenError::Folder {
                doing: "remove",
                path: failed,
                source,
            }),
        };
    }
    match View::open(&folder.view(), options) {
        Ok(view) => Ok((view, None)),
        Err(error) => {
            let rebuilt = damaged(folder, &error)?;
            Ok((new_view(folder, options, &rebuilt)?, Some(rebuilt)))
        }
    }
}

/// A view that gives an error is made anew, unless the machine refused something: then it may be well, and the error is
/// the operator's to see.
fn damaged(folder: &Folder, error: &ViewError) -> Result<ViewRebuilt, OpenError> {
    match error.refused() {
        None => Ok(ViewRebuilt::Damaged(error.to_string())),
        Some(refused) => Err(OpenError::Folder {
            doing: "open the view in",
            path: folder.view(),
            source: same_error(refused),
        }),
    }
}

fn same_error(error: &std::io::Error) -> std::io::Error {
    match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::new(error.kind(), error.to_string()),
    }
}

/// Tables are written long after the start; that they must not be is said at once.
fn check_writable(view: &Path) -> Result<(), OpenError> {
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    for path in [view.to_owned(), view.join("tables")] {
        match rustix::fs::accessat(CWD, &path, wanted, AtFlags::EACCESS) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => {
                return Err(OpenError::Folder {
                    doing: "write in",
                    path,
                    source: error.into(),
                });
            }
        }
    }
    Ok(())
}

fn new_view(folder: &Folder, options: ViewOptions, reason: &ViewRebuilt) -> Result<View, OpenError> {
    tracing::warn!(%reason, "the view is made anew from the log");
    let path = folder.view();
    remove_folder(&path)?;
    Ok(View::open(&path, options)?)
}

pub(crate) fn remove_folder(path: &Path) -> Result<(), OpenError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(OpenError::Folder {
            doing: "remove",
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

fn replay_log(
    disk: &Arc<dyn Disk>,
    folder: &Folder,
    options: &mut Options,
    view: View,
) -> Result<Opened, OpenError> {
    let mut replay = Replay::onto(Arc::new(view))?;
    let on_damage = if options.accept_data_loss {
        OnDamage::AcceptLoss
    } else {
        OnDamage::Refuse
    };
    let from = replay.from();
    let on_replay = &mut options.on_replay;
    let mut each = |batch: ReplayedBatch<'_>| {
        replay.batch(batch.after, batch.payload)?;
        on_replay(batch.after.sequence, batch.last_sequence);
        Ok(())
    };
    let opened = Log::open(
        Arc::clone(disk),
        &folder.log(),
        options.log,
        from,
        on_damage,
        &mut each,
    );
    let (log, recovered) = opened.map_err(|error| match error {
        log::OpenError::Replay { error, after } => match error.downcast::<ViewError>() {
            Ok(error) => OpenError::View(*error),
            Err(error) => OpenError::Log(log::OpenError::Replay { after, error }),
        },
        error => OpenError::Log(error),
    })?;
    let opening = Opening {
        log: recovered,
        replayed_from: from,
        view_rebuilt: None,
    };
    Ok(Opened {
        log,
        recent: replay.recent,
        view: replay.view,
        opening,
    })
}

/// Applies batches of the log to a view that nobody reads yet.
pub(crate) struct Replay {
    pub(crate) recent: Arc<Recent>,
    pub(crate) view: Arc<View>,
    bytes: usize,
}

impl Replay {
    pub(crate) fn onto(view: Arc<View>) -> Result<Replay, ViewError> {
        let snapshot = view.current();
        let next = snapshot
            .progress()
            .map_or(ApplicationId(1), |progress| progress.next_application);
        let recent = Arc::new(Recent::new(snapshot.applied(), next, snapshot));
        Ok(Replay {
            recent,
            view,
            bytes: 0,
        })
    }

    /// Where the view left off; `None` at the beginning.
    pub(crate) fn from(&self) -> Option<LogPoint> {
        self.view.current().progress().map(|progress| progress.applied)
    }

    pub(crate) fn batch(&mut self, after: LogPoint, payload: &[u8]) -> Result<(), ReplayError> {
        let mut facts = Facts::new(self.recent.next_application());
        let mut applied = Vec::new();
        events::decode_all::<ReplayError>(payload, |event| {
            facts.load_for_event(&event, &*self.recent)?;
            facts.apply(&event);
            applied.push(event);
            Ok(())
        })?;
        self.recent.publish(after, &applied, &facts);
        self.bytes += payload.len();
        if self.bytes >= ROUND_BYTES {
            self.bytes = 0;
            self.view.room()?;
            follower::round(&self.recent, &self.view, Flush::WhenDue)?;
        }
        Ok(())
    }
}

fn report(recovered: &Recovered) {
    if let Some(tail) = &recovered.torn_tail {
        let (file, offset, bytes) = (tail.file.display(), tail.offset, tail.bytes);
        tracing::warn!(%file, offset, bytes, "an interrupted write at the end of the log, never acknowledged, was cut off");
    }
    if let Some(damage) = &recovered.accepted_loss {
        tracing::error!(%damage, "the log was cut at damage; all after it is lost and every application gets a new epoch");
    }
    tracing::debug!(
        batches = recovered.batches_replayed,
        bytes = recovered.bytes_replayed,
        "the log was replayed"
    );
}

/// Restores that the last process did not finish are given up.
fn abandon_restores(engine: &EmbeddedEngine) -> Result<(), OpenError> {
    let snapshot = engine.recent().settle()?;
    for row in snapshot.range(vec![Kind::Restoring as u8]..=vec![Kind::Restoring as u8 + 1]) {
        let (place, _) = row?;
        let Some(id) = place
            .get(1..5)
            .and_then(|id| id.try_into().ok())
            .map(u32::from_be_bytes)
        else {
            continue;
        };
        write(
            engine,
            Command::AbandonRestore {
                application: ApplicationId(id),
            },
        )?;
    }
    Ok(())
}

/// A new epoch for every application; answers for how many.
pub(crate) fn renew_epochs(engine: &EmbeddedEngine) -> Result<u64, OpenError> {
    let snapshot = engine.recent().settle()?;
    let mut renewed = 0;
    for application in snapshot.applications() {
        let mut random = [0; 5];
        getrandom::fill(&mut random)
            .map_err(|error| OpenError::Start(format!("no random bytes: {error}")))?;
        write(
            engine,
            Command::RenewEpoch {
                application: application?.id,
                epoch: Epoch::generated(random),
            },
        )?;
        renewed += 1;
    }
    Ok(renewed)
}

fn write(engine: &EmbeddedEngine, command: Command) -> Result<(), OpenError> {
    let written = engine.write_blocking(Request::new(command));
    written.map(drop).map_err(|failure| {
        let why = engine.recent().failed();
        let why = why.map_or_else(|| format!("{failure:?}"), |failed| failed.to_string());
        OpenError::Start(format!("a write at the start failed: {why}"))
    })
}
