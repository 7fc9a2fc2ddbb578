//! Searches while batches are written at the full rate, into the application that is searched.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::Plan;
use crate::bench::load::Load;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::Requests;
use crate::bench::talk::Talk;

use super::filled::Filled;
use super::latency::{Latencies, Scope, ask};
use super::queries::{Class, Query};

const CONNECTIONS: usize = 4;
/// The batches begin before the searches.
const MARGIN: Duration = Duration::from_secs(1);
/// Queries between two looks at the clock.
const QUERIES_TOGETHER: usize = 10;

pub(super) fn measure(
    plan: &Plan,
    filled: &Filled,
    talk: &Talk,
    classes: &[Class],
) -> anyhow::Result<Vec<Row>> {
    [Scope::Chat, Scope::Application]
        .map(|scope| row(plan, filled, talk, classes, scope))
        .into_iter()
        .collect()
}

fn row(plan: &Plan, filled: &Filled, talk: &Talk, classes: &[Class], scope: Scope) -> anyhow::Result<Row> {
    let requests = talk.batches(&filled.token);
    let messages_each = talk.said.len() as f64 / requests.len() as f64;
    let searches_last = plan.misses_last;
    let load = Load {
        servers: vec![filled.server.address()],
        requests: Arc::new(Requests::plain(requests)),
        connections: CONNECTIONS,
        status: 201,
        lasts: searches_last + 2 * MARGIN,
    };
    eprintln!("    {scope} beside batches, {} s", searches_last.as_secs());
    let (found, counted) = thread::scope(|scope_of_threads| {
        let load = scope_of_threads.spawn(move || load.run());
        thread::sleep(MARGIN);
        let found = searches(filled, classes, scope, searches_last);
        let counted = load.join().expect("the load does not panic")?;
        anyhow::Ok((found?, counted))
    })?;
    filled.server.process().wait_until_idle()?;
    Ok(Row::reported(
        &format!("search {scope} beside batches at full rate, median"),
        Unit::Milliseconds,
        found.median(),
        format!(
            "{found}; {CONNECTIONS} connections wrote about {} messages/s meanwhile",
            thousands(counted.rate * messages_each)
        ),
    ))
}

/// Asks a few of each class in turn until the time is over.
fn searches(filled: &Filled, classes: &[Class], scope: Scope, lasts: Duration) -> anyhow::Result<Latencies> {
    let (begun, mut all) = (Instant::now(), Latencies::default());
    let queries: Vec<&[Query]> = interleaved(classes);
    for some in queries.iter().cycle() {
        all.append(ask(filled.server.address(), &filled.token, some, scope)?);
        if begun.elapsed() >= lasts {
            break;
        }
    }
    Ok(all)
}

fn interleaved(classes: &[Class]) -> Vec<&[Query]> {
    let mut chunks: Vec<_> = classes
        .iter()
        .map(|class| class.queries.chunks(QUERIES_TOGETHER))
        .collect();
    let mut queries = Vec::new();
    while let Some(some) = chunks.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
        queries.extend(some);
    }
    queries
}
