//! Queries over one connection, one after the other, and how long each took.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::TcpStream;

use crate::bench::api::search_path;
use crate::bench::compare::median;
use crate::bench::http::exchange;
use crate::bench::requests::get;

use super::queries::Query;

/// No further query is asked after this time, so that slow ones cannot hold up a run.
const ASKED_FOR_MAX: Duration = Duration::from_secs(60);
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);
/// Hits of a full page, which the server takes without a `limit`.
const PAGE_HITS: usize = 50;

/// Where is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// In the chat of the query.
    Chat,
    /// In all chats.
    Application,
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Scope::Chat => "in a chat",
            Scope::Application => "across an application",
        })
    }
}

/// What a number of queries took.
#[derive(Default)]
pub(super) struct Latencies {
    took_ms: Vec<f64>,
    hits: usize,
    /// Pages that ended early, at a bound of the server, so that a client has to ask for more.
    early: usize,
    worst_ms: f64,
    slowest: String,
}

/// What is read of an answer, after its time was taken.
#[derive(Deserialize)]
struct Page {
    data: Vec<IgnoredAny>,
    has_more: bool,
}

impl Latencies {
    pub(super) fn median(&self) -> f64 {
        median(self.took_ms.clone())
    }

    pub(super) fn p99(&self) -> f64 {
        let mut took_ms = self.took_ms.clone();
        took_ms.sort_by(f64::total_cmp);
        took_ms[took_ms.len() * 99 / 100]
    }

    pub(super) fn append(&mut self, other: Latencies) {
        self.took_ms.extend(other.took_ms);
        self.hits += other.hits;
        self.early += other.early;
        if other.worst_ms > self.worst_ms {
            (self.worst_ms, self.slowest) = (other.worst_ms, other.slowest);
        }
    }

    fn add(&mut self, took: Duration, body: &[u8], query: &Query) -> anyhow::Result<()> {
        let page: Page = serde_json::from_slice(body).context("not a page of hits")?;
        self.hits += page.data.len();
        self.early += usize::from(page.has_more && page.data.len() < PAGE_HITS);
        let took_ms = took.as_secs_f64() * 1_000.0;
        if took_ms > self.worst_ms {
            self.worst_ms = took_ms;
            // It stands between backticks in a table.
            self.slowest = query.text.replace('`', "'");
        }
        self.took_ms.push(took_ms);
        Ok(())
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queries = self.took_ms.len();
        write!(
            formatter,
            "p99 {:.3} ms, worst {:.1} ms (`{}`); {queries} queries, {:.1} hits each, {} pages ended early",
            self.p99(),
            self.worst_ms,
            self.slowest,
            self.hits as f64 / queries as f64,
            self.early
        )
    }
}

/// Asks each query once, in order; answers at least one.
pub(super) fn ask(
    server: SocketAddr,
    token: &str,
    queries: &[Query],
    scope: Scope,
) -> anyhow::Result<Latencies> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = TcpStream::connect(server).await.context("cannot connect")?;
        connection.set_nodelay(true)?;
        let (mut received, mut found) = (Vec::with_capacity(64 * 1024), Latencies::default());
        let begun = Instant::now();
        for query in queries {
            let chat = (scope == Scope::Chat).then_some(query.chat);
            let request = get(&search_path(token, chat, &query.text));
            let sent = Instant::now();
            let answered = exchange(&mut connection, &request, &mut received);
            let answer = tokio::time::timeout(ANSWER_WAIT_MAX, answered)
                .await
                .with_context(|| format!("no answer to a search for `{}`", query.text))??;
            let took = sent.elapsed();
            if answer.status != 200 {
                let answer = String::from_utf8_lossy(&received);
                bail!(
                    "a search for `{}` expected status 200, received {answer}",
                    query.text
                );
            }
            found.add(took, &received[answer.head_bytes..], query)?;
            if begun.elapsed() > ASKED_FOR_MAX {
                eprintln!("    stopped after {} queries", found.took_ms.len());
                break;
            }
        }
        Ok(found)
    })
}
