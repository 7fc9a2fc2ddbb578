//! Search: an index of grams proposes runs of messages, the matcher decides, and the published state answers.
//!
//! The writer puts each durable batch into the tail; the indexer moves it from there into the index about once a second.
//! A search pins index and tail as one state, then reads the messages as they are, so it finds all that was answered
//! before. The index is derived: what is missing, damaged or does not fit the log is made anew beside everything else.

mod candidates;
mod committed;
mod directory;
mod documents;
mod grams;
mod index;
mod indexer;
mod messages;
mod page;
mod payload;
mod place;
mod pool;
pub(crate) mod proof;
mod rows;
mod schema;
mod scope;
mod state;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tiro_core::{Failure, SearchRequest, Searched, Shortage};

use self::indexer::Indexer;
use self::pool::Pool;
pub(crate) use self::state::SharedState;
use self::state::{Progress, Standing};
use crate::errors::unavailable;
use crate::log::{LogPoint, LogReader};
use crate::recent::Recent;

/// Bounds of search and of its index.
#[derive(Clone, Copy, Debug)]
pub struct SearchOptions {
    /// Threads that search. Default 2.
    pub threads: usize,
    /// Most searches that wait for a thread; more are refused. Default 64.
    pub waiting_max: usize,
    /// How long a search may take, its waiting included; then its page ends early. Default 2 s.
    pub deadline: Duration,
    /// Messages that one search looks at before its page ends early. Default 500,000.
    pub examined_max: u64,
    /// Runs of messages that one search keeps in mind; of older ones it knows that they are there. Default 65,536.
    pub candidates_max: usize,
    /// Between two commits of the index, at least, while little is written. Default 1 s.
    pub commit_interval: Duration,
    /// With so many messages in the tail the index commits at once. Default 50,000.
    pub commit_messages: usize,
    /// Between two commits while the log is read, in messages. Default 250,000.
    pub rebuild_commit_messages: usize,
    /// With so many messages that are not in the index writes wait for it. Default 200,000.
    pub tail_messages_max: usize,
    /// The same in bytes. Default 64 MiB.
    pub tail_bytes_max: usize,
    /// What a client is told to wait while the index is behind. Default 1 s.
    pub behind_retry_after: Duration,
    /// How long the indexer rests after a failure. Default 30 s.
    pub retry_interval: Duration,
}

impl Default for SearchOptions {
    fn default() -> SearchOptions {
        SearchOptions {
            threads: 2,
            waiting_max: 64,
            deadline: Duration::from_secs(2),
            examined_max: 500_000,
            candidates_max: 65_536,
            commit_interval: Duration::from_secs(1),
            commit_messages: 50_000,
            rebuild_commit_messages: 250_000,
            tail_messages_max: 200_000,
            tail_bytes_max: 64 * 1024 * 1024,
            behind_retry_after: Duration::from_secs(1),
            retry_interval: Duration::from_secs(30),
        }
    }
}

/// The running search: its threads and its index.
pub(crate) struct Search {
    state: Arc<SharedState>,
    pool: Pool,
    indexer: Option<JoinHandle<()>>,
}

impl Search {
    /// Starts over a log that ends at `end`, all of which is published. Answers at once; the index follows.
    pub(crate) fn start(
        folder: PathBuf,
        log: LogReader,
        recent: &Arc<Recent>,
        end: LogPoint,
        options: SearchOptions,
    ) -> std::io::Result<Search> {
        let state = Arc::new(SharedState::new(end, options));
        let indexer = Indexer {
            state: Arc::clone(&state),
            folder,
            log,
            recent: Arc::clone(recent),
        };
        let pool = Pool::start(&state, recent)?;
        let indexer = std::thread::Builder::new()
            .name("tiro-indexer".into())
            .spawn(move || indexer.run())?;
        Ok(Search {
            state,
            pool,
            indexer: Some(indexer),
        })
    }

    /// Where the writer puts what it stored.
    pub(crate) fn state(&self) -> &Arc<SharedState> {
        &self.state
    }

    /// Hands a search over to the pool.
    pub(crate) fn search(
        &self,
        request: SearchRequest,
    ) -> impl Future<Output = Result<Searched, Failure>> + Send + use<> {
        let submitted = self.pool.submit(request);
        async move {
            let stopping = |_| Err(unavailable(Shortage::Stopping));
            submitted?.await.unwrap_or_else(stopping)
        }
    }

    /// What an operator should know.
    pub(crate) fn remark(&self) -> Option<String> {
        match self.state.standing() {
            Standing::Joined => None,
            Standing::Failed(why) => Some(format!("the search index cannot go on and is tried again: {why}")),
            Standing::Behind(Progress { anew, read, of }) => {
                let doing = if anew { "is made anew" } else { "catches up" };
                let percent = read * 100 / of.max(1);
                Some(format!(
                    "the search index {doing}: {percent} % of the log is read"
                ))
            }
        }
    }

    /// Searches no more; what is published goes on into the index until [`Search::stop`].
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Brings all that was written into the index, if it was near, and ends.
    pub(crate) fn stop(&mut self) {
        self.pool.close();
        self.state.stop();
        self.pool.join();
        if self.indexer.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexer panicked");
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop();
    }
}
