//! A server with the chats told a number of times, at rest.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::bench::Plan;
use crate::bench::pages;
use crate::bench::report::thousands;
use crate::bench::series::Series;
use crate::bench::server::Server;
use crate::bench::talk::Talk;

use super::latency::{Latencies, Scope, ask};
use super::queries::Query;

/// The index takes in what is left after so long at most; too little work to be noticed if little is left.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
const MEBIBYTE: f64 = 1_024.0 * 1_024.0;

pub(super) struct Filled {
    pub(super) server: Server,
    pub(super) token: String,
    pub(super) messages: usize,
    pub(super) idle_mebibytes: f64,
    /// From the last answer until the index was written for the last time.
    pub(super) left: Duration,
    text_bytes: f64,
    index_bytes: f64,
    disk_bytes: f64,
    fill_rate: f64,
    peak_mebibytes: f64,
}

impl Filled {
    /// Batches go one after the other, so that messages get the order of the file.
    pub(super) fn fill(plan: &Plan, talk: &Talk, copies: usize) -> anyhow::Result<Filled> {
        let server = Server::start(plan.temporary_folder()?)?;
        let token = server.api().create_application()?;
        server.api().create_chats(&token, talk.chats)?;
        let batches = talk.batches(&token);
        let (messages, count) = (talk.said.len() * copies, batches.len() * copies);
        let series = Series {
            server: server.address(),
            make: Arc::new(move |place| batches[place % batches.len()].clone()),
            count,
            connections: 1,
            status: 201,
            name: format!("{} messages", thousands(messages as f64)),
        };
        let fill = || {
            let lasted = series.run()?;
            anyhow::Ok((lasted, index_lag(&server, SystemTime::now())?))
        };
        let ((lasted, left), peak_mebibytes) = server.process().peak_while(fill)?;
        Ok(Filled {
            messages,
            left,
            text_bytes: (talk.text_bytes() * copies) as f64,
            index_bytes: pages::disk_bytes(&server.index())? as f64,
            disk_bytes: pages::disk_bytes(&server.data())? as f64,
            fill_rate: messages as f64 / lasted.as_secs_f64(),
            peak_mebibytes,
            idle_mebibytes: server.anonymous_mebibytes()?,
            token,
            server,
        })
    }

    /// Bytes of the index for each byte of the bodies.
    pub(super) fn index_share(&self) -> f64 {
        self.index_bytes / self.text_bytes
    }

    pub(super) fn disk_note(&self) -> String {
        format!(
            "{:.1} MiB for {:.1} MiB; the whole folder has {:.0} MiB",
            self.index_bytes / MEBIBYTE,
            self.text_bytes / MEBIBYTE,
            self.disk_bytes / MEBIBYTE
        )
    }

    pub(super) fn memory_note(&self) -> String {
        format!(
            "once idle; at most {:.1} MiB until then; filled at {}/s by one connection",
            self.peak_mebibytes,
            thousands(self.fill_rate)
        )
    }

    /// Asks all of it twice, of which the second time counts.
    pub(super) fn ask(&self, queries: &[Query], scope: Scope) -> anyhow::Result<Latencies> {
        ask(self.server.address(), &self.token, queries, scope)?;
        ask(self.server.address(), &self.token, queries, scope)
    }
}

/// How long after `end` the index's list of segments was written last, by a commit or a merge. Waits until the server
/// has nothing left to do.
fn index_lag(server: &Server, end: SystemTime) -> anyhow::Result<Duration> {
    server.process().wait_until_idle()?;
    thread::sleep(COMMIT_INTERVAL);
    server.process().wait_until_idle()?;
    let written = fs::metadata(server.index().join("meta.json"))?.modified()?;
    // Written before the end, it had everything by then.
    Ok(written.max(end).duration_since(end)?)
}
