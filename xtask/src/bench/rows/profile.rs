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

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.create_application()?;
    server.create_chats(&token, CHATS)?;
    let create = |(place, text): (usize, &String)| {
        post(
            &format!("/v1/applications/{token}/chats/{}/messages", place % CHATS + 1),
            text,
        )
    };
    let requests = plan.messages(REQUESTS).iter().enumerate().map(create).collect();
    let load = Load {
        server: server.address(),
        requests: Arc::new(Requests::plain(requests)),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.lasts,
    };
    // The first run is for caches and the processor's clock.
    load.run()?;
    let before = server.process().threads()?;
    let counted = load.run()?;
    let after = server.process().threads()?;

    let creates = counted.rate * plan.lasts.as_secs_f64();
    let used = |name: &str| {
        let at = |times: &BTreeMap<String, ProcessorTime>| times.get(name).copied();
        let (before, after) = (at(&before).unwrap_or_default(), at(&after).unwrap_or_default());
        let each_us = |seconds: f64| seconds * 1e6 / creates;
        (
            each_us(after.user - before.user),
            each_us(after.system - before.system),
        )
    };
    let row = |(name, what): (&str, &str)| {
        let (user, system) = used(name);
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
    Ok(THREADS.map(row).into())
}
