//! The log's own thread: prepares the next segment, writes the mark, watches the free space. None of it is on the way to
//! an acknowledgement.
//!
//! The writer tells it what is durable and takes the prepared segment from it. When preparing fails because the disk is
//! full, it tries again every `retry_interval`; any other failure fails the log.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::LogOptions;
use super::error::{During, IoFailed, LogFailed};
use super::mark::MarkWriter;
use super::point::LogPoint;
use super::segment::{Preparation, remove_prepared};
use crate::disk::{Disk, DiskFile};

/// What writer and thread tell each other.
pub(super) struct Shared {
    /// Guards [`State`], so that a wait cannot miss a change. Held for a few instructions, never during I/O; nothing is
    /// locked inside it.
    state: Mutex<State>,
    /// Wakes the thread: something became durable while it rested, a segment is wanted, or it shall stop.
    work: Condvar,
    /// Wakes the writer: the next segment is there, or will not be for now.
    prepared: Condvar,
    /// The first failure. Once set, the writer refuses everything and the thread ends.
    failed: OnceLock<LogFailed>,
    below_floor: AtomicBool,
}

struct State {
    synced: LogPoint,
    next: Next,
    /// The mark is to be written without waiting for its interval.
    mark_now: bool,
    /// The thread waits, and does not know of anything to mark.
    resting: bool,
    stopping: bool,
}

/// The segment after the present one.
enum Next {
    /// Being prepared; the writer waits for it.
    Wanted,
    /// The disk is full; tried again now and then.
    Full,
    Ready(Arc<dyn DiskFile>),
    /// Being begun by the writer: its file still has the prepared one's name.
    Taken,
}

impl Shared {
    /// `Err` when the log has failed before.
    pub(super) fn check(&self) -> Result<(), LogFailed> {
        self.failed.get().map_or(Ok(()), |failed| Err(failed.clone()))
    }

    /// Fails the log for good and says so in the operator's log, once.
    pub(super) fn fail(&self, error: IoFailed) -> LogFailed {
        let failed = self.failed.get_or_init(|| {
            tracing::error!(%error, "the log has failed; nothing more is acknowledged");
            LogFailed(Arc::new(error))
        });
        // Taken and given back, so that a writer between looking and waiting does not miss the call.
        drop(self.state.lock());
        self.prepared.notify_all();
        self.work.notify_all();
        failed.clone()
    }

    /// Less than the floor is free, as of at most `retry_interval` ago.
    pub(super) fn is_below_floor(&self) -> bool {
        self.below_floor.load(Ordering::Relaxed)
    }

    pub(super) fn set_synced(&self, synced: LogPoint) {
        let mut state = self.state.lock();
        state.synced = synced;
        let wake = std::mem::take(&mut state.resting);
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// The prepared segment, waiting for it while it is being made; `None` when the disk is full. Must be followed by
    /// [`Shared::begin_next`] when the file has got its name.
    pub(super) fn take_next(&self) -> Result<Option<Arc<dyn DiskFile>>, LogFailed> {
        let mut state = self.state.lock();
        loop {
            self.check()?;
            match std::mem::replace(&mut state.next, Next::Taken) {
                Next::Ready(file) => return Ok(Some(file)),
                Next::Full => {
                    state.next = Next::Full;
                    return Ok(None);
                }
                Next::Wanted => {
                    state.next = Next::Wanted;
                    self.prepared.wait(&mut state);
                }
                Next::Taken => unreachable!("there is one writer"),
            }
        }
    }

    /// The segment taken has been begun: prepare another, and mark that all before it is durable.
    pub(super) fn begin_next(&self) {
        let mut state = self.state.lock();
        state.next = Next::Wanted;
        state.mark_now = true;
        drop(state);
        self.work.notify_one();
    }
}

/// Tells from any thread whether the disk has room for batches, as of the thread's last look.
#[derive(Clone)]
pub struct LogSpace(Arc<Shared>);

impl LogSpace {
    pub(super) fn new(shared: &Arc<Shared>) -> LogSpace {
        LogSpace(Arc::clone(shared))
    }

    /// Whether the next batch, and the next segment, would be taken.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.0.is_below_floor() && !matches!(self.0.state.lock().next, Next::Full)
    }
}

/// The running thread. Stops, with a last mark, when it is dropped.
pub(super) struct Upkeep {
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// `synced` has just been marked.
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        options: LogOptions,
        marks: MarkWriter,
        synced: LogPoint,
    ) -> Result<Upkeep, IoFailed> {
        let next = Next::Wanted;
        let state = State {
            synced,
            next,
            mark_now: false,
            resting: false,
            stopping: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            prepared: Condvar::new(),
            failed: OnceLock::new(),
            below_floor: AtomicBool::new(false),
        });
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            disk,
            folder,
            options,
            marks,
            marked_sequence: synced.sequence,
            mark_due: None,
            preparation: None,
            look_due: Instant::now(),
            retry: false,
        };
        worker.look()?;
        let folder = worker.folder.clone();
        let thread = std::thread::Builder::new()
            .name("tiro-log".into())
            .spawn(move || worker.run());
        let thread = thread.during("start the thread of", &folder)?;
        Ok(Upkeep {
            shared,
            thread: Some(thread),
        })
    }

    /// Writes the last mark and ends the thread. Repeats safely.
    pub(super) fn stop(&mut self) {
        self.shared.state.lock().stopping = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the log's thread had panicked");
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop();
    }
}

enum Work {
    Mark(LogPoint),
    Look,
    Prepare,
}

struct Worker {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: LogOptions,
    marks: MarkWriter,
    marked_sequence: u64,
    /// When the mark is written, once there is something to mark.
    mark_due: Option<Instant>,
    preparation: Option<Preparation>,
    look_due: Instant,
    /// Preparing has failed because the disk was full, and is now due again.
    retry: bool,
}

impl Worker {
    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _fails_on_panic = FailOnPanic {
            shared: &shared,
            folder: self.folder.clone(),
        };
        while let Some(work) = self.wait() {
            let done = match work {
                Work::Mark(synced) => self.mark(synced),
                Work::Look => self.look(),
                Work::Prepare => self.prepare(),
            };
            if let Err(error) = done {
                shared.fail(error);
            }
        }
    }

    /// The most urgent piece of work, waiting while there is none; `None` when there will be no more.
    fn wait(&mut self) -> Option<Work> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock();
        loop {
            let now = Instant::now();
            state.resting = false;
            if shared.failed.get().is_some() {
                return None;
            }
            if state.synced.sequence > self.marked_sequence {
                let due = *self.mark_due.get_or_insert(now + self.options.mark_interval);
                if now >= due || state.mark_now || state.stopping {
                    state.mark_now = false;
                    return Some(Work::Mark(state.synced));
                }
            }
            if state.stopping {
                return None;
            }
            if now >= self.look_due {
                self.retry = matches!(state.next, Next::Full);
                return Some(Work::Look);
            }
            if self.preparation.is_some() || self.retry || matches!(state.next, Next::Wanted) {
                return Some(Work::Prepare);
            }
            state.resting = self.mark_due.is_none();
            let until = self.mark_due.map_or(self.look_due, |due| due.min(self.look_due));
            shared.work.wait_until(&mut state, until);
        }
    }

    fn mark(&mut self, synced: LogPoint) -> Result<(), IoFailed> {
        self.marks.write(synced)?;
        self.marked_sequence = synced.sequence;
        self.mark_due = None;
        Ok(())
    }

    fn look(&mut self) -> Result<(), IoFailed> {
        let below_floor = self.free_bytes()? < self.options.free_floor_bytes;
        let before = self.shared.below_floor.swap(below_floor, Ordering::Relaxed);
        if below_floor && !before {
            tracing::warn!(
                floor_bytes = self.options.free_floor_bytes,
                "less free space than the floor: no writes"
            );
        } else if before && !below_floor {
            tracing::info!("there is free space again: writes go on");
        }
        self.look_due = Instant::now() + self.options.retry_interval;
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, IoFailed> {
        self.disk
            .free_bytes(&self.folder)
            .during("read the free space of", &self.folder)
    }

    /// One step of preparing the next segment.
    fn prepare(&mut self) -> Result<(), IoFailed> {
        self.retry = false;
        match self.prepare_step() {
            Ok(Some(file)) => self.set_next(Next::Ready(file)),
            Ok(None) => {}
            Err(error) if error.is_full() => {
                self.preparation = None;
                remove_prepared(&*self.disk, &self.folder)?;
                tracing::warn!(%error, "no room for the next segment; trying again");
                self.set_next(Next::Full);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn prepare_step(&mut self) -> Result<Option<Arc<dyn DiskFile>>, IoFailed> {
        let Some(preparation) = &mut self.preparation else {
            let needed = self.options.free_floor_bytes + self.options.segment_bytes;
            if self.free_bytes()? < needed {
                return Err(std::io::ErrorKind::StorageFull.into())
                    .during("prepare a segment in", &self.folder);
            }
            let (disk, bytes) = (&*self.disk, self.options.segment_bytes);
            self.preparation = Some(Preparation::begin(disk, &self.folder, bytes)?);
            return Ok(None);
        };
        let file = preparation.advance()?;
        if file.is_some() {
            self.preparation = None;
        }
        Ok(file)
    }

    fn set_next(&self, next: Next) {
        self.shared.state.lock().next = next;
        self.shared.prepared.notify_all();
    }
}

/// Fails the log when the thread panics, so that the writer does not wait for it for ever.
struct FailOnPanic<'a> {
    shared: &'a Shared,
    folder: PathBuf,
}

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let source = std::io::Error::other("the log's thread panicked");
            self.shared.fail(IoFailed {
                doing: "keep up",
                file: Path::to_owned(&self.folder),
                source,
            });
        }
    }
}
