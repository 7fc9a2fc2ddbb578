//! The thread that merges the view's tables, beside everything else.

use std::sync::Arc;
use std::thread::JoinHandle;

use lsm_tree::AbstractTree;
use lsm_tree::compaction::Leveled;
use parking_lot::{Condvar, Mutex};

use super::{View, ViewError};

/// From so many runs on, the follower waits for the compactor.
const RUNS_MAX: usize = 16;

#[derive(Default)]
struct Work {
    wanted: bool,
    stopping: bool,
    failed: bool,
}

/// Merges tables when it is told that there is a new one.
pub(crate) struct Compactor {
    view: Arc<View>,
    work: Arc<(Mutex<Work>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Compactor {
    pub(crate) fn start(view: Arc<View>) -> std::io::Result<Compactor> {
        let work = Arc::new((
            Mutex::new(Work {
                wanted: true,
                ..Work::default()
            }),
            Condvar::new(),
        ));
        let (shared, compacted) = (Arc::clone(&work), Arc::clone(&view));
        let run = move || {
            if let Err(error) = compact_when_told(&compacted, &shared) {
                tracing::error!(%error, "the view cannot be compacted; it goes on growing until the next start");
                shared.0.lock().failed = true;
                shared.1.notify_all();
            }
        };
        let thread = std::thread::Builder::new()
            .name("tiro-compactor".into())
            .spawn(run)?;
        Ok(Compactor {
            view,
            work,
            thread: Some(thread),
        })
    }

    /// There may be a new table. Waits while far too many are unmerged.
    pub(crate) fn tell(&self) {
        let (work, changed) = &*self.work;
        let mut work = work.lock();
        work.wanted = true;
        changed.notify_all();
        while self.view.tree.l0_run_count() > RUNS_MAX && !work.failed && !work.stopping {
            changed.wait(&mut work);
        }
    }
}

impl Drop for Compactor {
    fn drop(&mut self) {
        let (work, changed) = &*self.work;
        work.lock().stopping = true;
        changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the compactor panicked");
        }
    }
}

fn compact_when_told(view: &View, (work, changed): &(Mutex<Work>, Condvar)) -> Result<(), ViewError> {
    let strategy = Arc::new(Leveled::default());
    loop {
        let mut state = work.lock();
        while !state.wanted && !state.stopping {
            changed.wait(&mut state);
        }
        if state.stopping {
            return Ok(());
        }
        state.wanted = false;
        drop(state);
        loop {
            let before = view.tree.current_version().id();
            view.tree.compact(strategy.clone(), view.watermark())?;
            changed.notify_all();
            if view.tree.current_version().id() == before || work.lock().stopping {
                break;
            }
        }
    }
}
