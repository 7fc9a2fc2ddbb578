//! The search index: how fast workers take in what waits, and how far they are behind while writes run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{APPLICATIONS, NODES_HELD, applications, shuffled};
use crate::bench::Plan;
use crate::bench::api::{Api, batch_body};
use crate::bench::cluster::processors::Used;
use crate::bench::cluster::status::Progress;
use crate::bench::cluster::{Deployment, WORKERS};
use crate::bench::paced::Paced;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::post;
use crate::bench::series::Series;

const CHATS: usize = 4;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches.
const BATCHES: usize = 16;
const FILLING_CONNECTIONS: usize = 8;
/// Single creates while the lag is looked at.
const STEADY_PER_SECOND: u32 = 1_000;
const STEADY_CONNECTIONS: u32 = 64;
/// A backlog that is not indexed by then will not be.
const INDEXED_WITHIN: Duration = Duration::from_secs(300);
/// How often the status is asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) fn measure(plan: &Plan, deployment: &Deployment<'_>) -> anyhow::Result<Vec<Row>> {
    let api = deployment.nodes[0].api;
    let tokens = Arc::new(applications(api, CHATS)?);
    indexed(api)?;
    let mut rows = vec![backlog(plan, deployment, &tokens)?];
    rows.extend(steady(plan, deployment, &tokens)?);
    Ok(rows)
}

/// Waits until the index has all; answers how long that took.
pub(super) fn indexed(api: Api) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < INDEXED_WITHIN {
        if Progress::of(api)?.behind() == 0 {
            return Ok(begun.elapsed());
        }
        thread::sleep(LOOK_EVERY);
    }
    bail!("the index was still behind after {} s", INDEXED_WITHIN.as_secs())
}

fn backlog(plan: &Plan, deployment: &Deployment<'_>, tokens: &Arc<Vec<String>>) -> anyhow::Result<Row> {
    let api = deployment.nodes[0].api;
    let messages = plan.messages(BATCHES * BATCH_MESSAGES);
    let bodies: Vec<String> = messages.chunks(BATCH_MESSAGES).map(batch_body).collect();
    let batches = plan.cluster_backlog_messages / BATCH_MESSAGES;
    let tokens = Arc::clone(tokens);
    deployment.without_workers(|| {
        let fill = Series {
            server: api.address(),
            make: Arc::new(move |place| {
                let (token, chat) = (&tokens[place % APPLICATIONS], place / APPLICATIONS % CHATS + 1);
                let path = format!("/v1/applications/{token}/chats/{chat}/messages/batch");
                post(&path, &bodies[place % BATCHES])
            }),
            count: batches,
            connections: FILLING_CONNECTIONS,
            status: 201,
            name: String::new(),
        };
        fill.run()
    })?;
    let mut used = Used::by(deployment.parts())?;
    let begun = Progress::of(api)?;
    let took = used.during(|| indexed(api))?;
    let messages = begun.behind() as f64;
    Ok(Row::reported(
        "indexing, from a backlog",
        Unit::PerSecond,
        messages / took.as_secs_f64(),
        format!(
            "{} messages in {:.1} s by {WORKERS} workers, until the status says that the index shows all; {used}",
            thousands(messages),
            took.as_secs_f64()
        ),
    ))
}

fn steady(plan: &Plan, deployment: &Deployment<'_>, tokens: &[String]) -> anyhow::Result<[Row; 2]> {
    let texts = plan.messages(APPLICATIONS * CHATS * 16);
    let create = |(place, text): (usize, &String)| {
        let (token, chat) = (&tokens[place % APPLICATIONS], place / APPLICATIONS % CHATS + 1);
        post(&format!("/v1/applications/{token}/chats/{chat}/messages"), text)
    };
    let creates = Paced {
        servers: deployment.addresses(NODES_HELD),
        requests: shuffled(texts.iter().enumerate().map(create).collect()),
        connections: STEADY_CONNECTIONS,
        per_second: STEADY_PER_SECOND,
        status: 201,
        lasts: plan.cluster_lasts * 3,
    };
    let mut used = Used::by(deployment.parts())?;
    let done = AtomicBool::new(false);
    let (seen, counted) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                seen.push(Progress::of(deployment.nodes[0].api)?);
                thread::sleep(LOOK_EVERY);
            }
            anyhow::Ok(seen)
        });
        let counted = used.during(|| creates.run());
        done.store(true, Ordering::Relaxed);
        let seen = watch.join().expect("the watch does not panic");
        anyhow::Ok((seen?, counted?))
    })?;
    let spread = |of: &dyn Fn(&Progress) -> u64| {
        let mut sorted: Vec<u64> = seen.iter().map(of).collect();
        sorted.sort_unstable();
        [50, 99, 100].map(|share| sorted[(sorted.len() - 1) * share / 100])
    };
    let [median, p99, worst] = spread(&|progress| progress.behind());
    let [median_ms, p99_ms, worst_ms] = spread(&|progress| progress.oldest_ms);
    let looked = format!(
        "{} looks at the status beside {:.0} creates/s of {STEADY_CONNECTIONS} connections over 2 nodes; what is not \
         indexed is merged from MySQL, so searches lack nothing",
        seen.len(),
        counted.rate
    );
    Ok([
        Row::reported(
            "index behind the writes at a steady rate, median",
            Unit::Count,
            median as f64,
            format!(
                "changes; p99 {}, worst {}; {looked}",
                thousands(p99 as f64),
                thousands(worst as f64)
            ),
        ),
        Row::reported(
            "the same, age of the oldest change that is not indexed, median",
            Unit::Milliseconds,
            median_ms as f64,
            format!(
                "p99 {p99_ms} ms, worst {worst_ms} ms; the index shows what it took in once a second; {used}"
            ),
        ),
    ])
}
