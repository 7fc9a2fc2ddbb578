//! Whose processor time a create takes: the server's threads by their names, in microseconds for each create.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bench::load::Load;
use crate::bench::process::ProcessorTime;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan};

const CHATS: usize = 200;
const REQUESTS: usize = 20_000;
/// The server's threads, and what each does of a create.
const THREADS: [(&str, &str); 5] = [
    ("tokio-rt-worker", "HTTP, JSON, the queue's end, the answer"),
    ("tiro-writer", "decide, log, publish, wake-ups"),
    ("tiro-follower", "rows into the view, off the way to the answer"),
    ("tiro-compactor", "merging tables, off the way to the answer"),
    ("tiro-log", "segments ahead of use, off the way to the answer"),
];

/// Threads of the index that stay, by what their names begin with. It has others that end, so its time is what the
/// process used beyond all other threads.
const INDEX_THREADS: [&str; 4] = ["tiro-indexer", "merge_thread", "segment_updater", "thrd-tantivy"];

/// The processor time of a process so far.
struct Looked {
    total: ProcessorTime,
    threads: BTreeMap<String, ProcessorTime>,
}

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, CHATS)?;
    let create = |(place, text): (usize, &String)| {
        post(
            &format!("/v1/applications/{token}/chats/{}/messages", place % CHATS + 1),
            text,
        )
    };
    let requests = plan.messages(REQUESTS).iter().enumerate().map(create).collect();
    let load = Load {
        servers: vec![server.address()],
        requests: Arc::new(Requests::plain(requests)),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.lasts,
    };
    // The first run is for caches and the processor's clock.
    load.run()?;
    server.process().wait_until_idle()?;
    let before = Looked::at(&server)?;
    let counted = load.run()?;
    // The index takes in what came last a little later.
    server.process().wait_until_idle()?;
    let after = Looked::at(&server)?;

    let creates = counted.rate * plan.lasts.as_secs_f64();
    let row = |name: &str, of: &dyn Fn(&Looked) -> ProcessorTime, what: &str| {
        let (before, after) = (of(&before), of(&after));
        let each_us = |seconds: f64| seconds * 1e6 / creates;
        let (user, system) = (
            each_us(after.user - before.user),
            each_us(after.system - before.system),
        );
        Row::reported(
            &format!("processor time of a create: {name}"),
            Unit::Microseconds,
            user + system,
            format!(
                "{user:.2} in the program, {system:.2} in the system: {what}; at {}/s",
                thousands(counted.rate)
            ),
        )
    };
    let of_thread = |(name, what)| row(name, &|looked| looked.of(name), what);
    let mut rows: Vec<Row> = THREADS.into_iter().map(of_thread).collect();
    rows.push(row(
        "the search index",
        &Looked::of_index,
        "grams, segments and their merging in tiro-indexer and the crate's threads, off the way to the answer",
    ));
    Ok(rows)
}

impl Looked {
    fn at(server: &Server) -> anyhow::Result<Looked> {
        Ok(Looked {
            total: server.process().total()?,
            threads: server.process().threads()?,
        })
    }

    fn of(&self, name: &str) -> ProcessorTime {
        self.threads.get(name).copied().unwrap_or_default()
    }

    fn of_index(&self) -> ProcessorTime {
        let is_other = |name: &str| !INDEX_THREADS.iter().any(|begin| name.starts_with(begin));
        let others = self.threads.iter().filter(|(name, _)| is_other(name));
        others.fold(self.total, |left, (_, used)| ProcessorTime {
            user: left.user - used.user,
            system: left.system - used.system,
        })
    }
}
