//! A slow walk over the whole log, again and again, to find bytes that went bad while nobody read them.
//!
//! It reads a bounded number of bytes a second, so it is not felt; what it finds goes to the log of the program and to
//! the health of the engine. Nothing is repaired: the view still has what the log lost, so an export saves it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::log::LogReader;
use crate::recent::Recent;

/// Payload bytes read in one go.
const STEP_BYTES: usize = 1024 * 1024;
/// Rest after each of them: at most 4 MiB a second.
const STEP_REST: Duration = Duration::from_millis(250);
/// Rest between two walks, and before the first.
const WALK_REST: Duration = Duration::from_secs(12 * 3600);

/// The running scrub.
pub(crate) struct Scrub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stop: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    found: Option<String>,
}

impl Scrub {
    pub(crate) fn start(reader: LogReader, recent: Arc<Recent>) -> std::io::Result<Scrub> {
        let shared = Arc::<Shared>::default();
        let walked = Arc::clone(&shared);
        let run = move || {
            while walked.rest(WALK_REST) {
                let synced = recent.look(|active| active.end.sequence).0;
                if let Err(found) = walk(&reader, synced, &walked) {
                    tracing::error!(%found, "the log has gone bad; export what is there and restore it elsewhere");
                    walked.state.lock().found = Some(found);
                }
            }
        };
        let thread = std::thread::Builder::new().name("tiro-scrub".into()).spawn(run)?;
        Ok(Scrub {
            shared,
            thread: Some(thread),
        })
    }

    /// What the latest walks found, for an operator.
    pub(crate) fn found(&self) -> Option<String> {
        self.shared.state.lock().found.clone()
    }
}

impl Shared {
    /// Rests; `false` if the scrub has to stop.
    fn rest(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        self.stop
            .wait_while_for(&mut state, |state| !state.stopping, time);
        !state.stopping
    }
}

impl Drop for Scrub {
    fn drop(&mut self) {
        self.shared.state.lock().stopping = true;
        self.shared.stop.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the scrub panicked");
        }
    }
}

fn walk(reader: &LogReader, through_sequence: u64, shared: &Shared) -> Result<(), String> {
    let mut batches = reader
        .read(None, through_sequence)
        .map_err(|error| error.to_string())?;
    let mut bytes = 0;
    while let Some((_, payload)) = batches.next_batch().map_err(|error| error.to_string())? {
        bytes += payload.len();
        if bytes >= STEP_BYTES {
            bytes = 0;
            if !shared.rest(STEP_REST) {
                return Ok(());
            }
        }
    }
    Ok(())
}
