//! Pages of messages that were read before, for all nodes.
//!
//! Redis decides nothing: a page is found with the state that it was read in, and whoever shows it has asked the primary
//! whether that is still the state. What Redis does not answer in 100 ms, what is foreign, damaged or of another version of
//! the program is not there. Pages are put in by a task, from a bounded queue; what does not fit is dropped.

mod asked;
mod encoding;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::Client;
use redis::aio::ConnectionManager;
use tiro_core::{CachedPages, Message, NumberRange, Page, Token};
use tokio::sync::{mpsc, watch};

use self::asked::Asked;
pub(crate) use self::encoding::Kept;
use super::prompt::{Prompt, Says};
use super::{Connection, UNHURRIED};
use crate::planted::{self, Bug};
use crate::rabbitmq::consumer::stopped;
use crate::reads::Home;

/// Longer than for a limit: a machine that is busy answers late, and is busier without the pages.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);
/// A page that nobody replaces is forgotten after so long.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// Largest page that is kept, as it is encoded.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Pages that wait to be put into Redis.
const QUEUE_PAGES_MAX: usize = 64;

/// The pages of one data set of a cluster.
pub(crate) struct Pages {
    /// What keys begin with.
    prefix: String,
    prompt: Prompt,
    asked: Asked,
    queue: mpsc::Sender<Put>,
    counts: Counts,
}

/// See [`CachedPages`].
#[derive(Debug, Default)]
struct Counts {
    shown: AtomicU64,
    missing: AtomicU64,
    changed: AtomicU64,
    unreadable: AtomicU64,
}

/// A page that is to be put into Redis.
struct Put {
    key: String,
    value: Vec<u8>,
}

/// Puts pages into Redis: [`Puts::send`] has to run for any to be there.
pub(crate) struct Puts {
    client: Client,
    queue: mpsc::Receiver<Put>,
}

/// A page that somebody asks for.
pub(crate) struct PageKey {
    text: String,
    hash: u64,
}

impl Pages {
    /// The pages of the cluster `name` on the MySQL that has this `server.data_set`. Connects with the first question.
    pub(crate) fn new(client: Client, name: &str, data_set: &str) -> (Arc<Pages>, Puts) {
        let (queue, puts) = mpsc::channel(QUEUE_PAGES_MAX);
        let pages = Pages {
            prefix: format!("{name}.page.{}.{data_set}", encoding::VERSION),
            prompt: Prompt::new(
                client.clone(),
                ANSWER_WITHIN,
                Says {
                    away: "pages are read from MySQL alone while Redis is away",
                    back: "pages are kept in Redis again",
                },
            ),
            asked: Asked::default(),
            queue,
            counts: Counts::default(),
        };
        let puts = Puts { client, queue: puts };
        (Arc::new(pages), puts)
    }

    /// The name of a page: all that it depends on beside the state.
    pub(crate) fn key(&self, token: &Token, chat: u64, range: NumberRange) -> PageKey {
        let (prefix, token) = (&self.prefix, token.as_str());
        let range = match range {
            NumberRange::After { after, before, limit } => {
                let before = before.map_or_else(String::new, |before| before.to_string());
                format!("after.{after}.{before}.{limit}")
            }
            NumberRange::Before { before, limit } => format!("before.{before}.{limit}"),
            NumberRange::Last { limit } => format!("last.{limit}"),
        };
        let text = format!("{prefix}.{token}.{chat}.{range}");
        PageKey {
            hash: self.asked.hash(&text),
            text,
        }
    }

    /// A page as it was at some time. One that this node was not asked for lately is not looked for.
    pub(crate) async fn find(&self, key: &PageKey) -> Option<Kept> {
        if !self.asked.is_known(key.hash) {
            return None;
        }
        let get = |mut redis: ConnectionManager| async move {
            let mut command = redis::cmd("GET");
            command.arg(&key.text);
            command.query_async::<Option<Vec<u8>>>(&mut redis).await
        };
        let Some(value) = self.prompt.ask(get).await? else {
            self.counts.missing.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let kept = Kept::decode(&key.text, &value);
        if kept.is_none() {
            let before = self.counts.unreadable.fetch_add(1, Ordering::Relaxed);
            if before == 0 {
                tracing::warn!(
                    bytes = value.len(),
                    "Redis holds something else where a page was put; it is read from MySQL"
                );
            }
        }
        kept
    }

    /// A page that was found is shown, or not: its chat has changed.
    pub(crate) fn found(&self, is_shown: bool) {
        let count = if is_shown {
            &self.counts.shown
        } else {
            &self.counts.changed
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// What came of looking for pages.
    pub(crate) fn counts(&self) -> CachedPages {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CachedPages {
            shown: count(&self.counts.shown),
            missing: count(&self.counts.missing),
            changed: count(&self.counts.changed),
            unreadable: count(&self.counts.unreadable),
        }
    }

    /// A page was read. It is put into Redis if it was read before in the same state. Waits for nothing.
    pub(crate) fn keep(&self, key: PageKey, home: &Home, page: &Page<Message>) {
        let again = self.asked.note(key.hash, home.change_position);
        // That bug is to be seen in a load that hardly reads a page twice.
        let is_wanted = again || planted::is(Bug::StaleCache);
        if !is_wanted || page.items.is_empty() {
            return;
        }
        let Ok(place) = self.queue.try_reserve() else {
            return;
        };
        let value = Kept::encode(&key.text, home, page);
        if value.len() <= VALUE_BYTES_MAX {
            place.send(Put { key: key.text, value });
        }
    }
}

impl Puts {
    /// Puts pages there as they come, until it is stopped. What fails is dropped: whoever asks for pages says that Redis is
    /// away.
    pub(crate) async fn send(mut self, mut stop: watch::Receiver<bool>) {
        let redis = Connection::new(self.client);
        let put = async {
            while let Some(Put { key, value }) = self.queue.recv().await {
                let mut set = redis::cmd("SET");
                set.arg(key).arg(value).arg("EX").arg(KEPT_FOR.as_secs());
                let set = |mut redis| async move { set.exec_async(&mut redis).await };
                if let Err(error) = redis.ask(UNHURRIED, set).await {
                    tracing::debug!(%error, "a page was not put into Redis");
                }
            }
        };
        tokio::select! {
            () = put => {}
            () = stopped(&mut stop) => {}
        }
    }
}
