//! Random gets by one connection: from the disk, and from the system's memory of the files.
//!
//! Before the cold ones the server is started anew, so that its own cache is empty, and the system forgets the files.

use std::sync::Arc;

use super::Filled;
use crate::bench::Plan;
use crate::bench::load::{Counted, Load};
use crate::bench::pages;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, get};

/// So many that a connection does not begin again while it is measured.
const REQUESTS: usize = 200_000;
const SEED: u64 = 1;

pub(super) fn measure(plan: &Plan, small: &Filled, large: &Filled) -> anyhow::Result<Vec<Row>> {
    let (cold_small, cold) = (cold(plan, small)?, cold(plan, large)?);
    pages::read(&large.server.data())?;
    let warm = random(plan, large)?;
    let messages = thousands(large.messages as f64);
    let ms = |counted: &Counted| counted.median.as_secs_f64() * 1_000.0;
    let p99_ms = |counted: &Counted| counted.p99.as_secs_f64() * 1_000.0;
    let row = |what: &str, counted: &Counted, more: String| {
        Row::reported(
            &format!("{what} random get over {messages} messages, p50"),
            Unit::Milliseconds,
            ms(counted),
            format!(
                "p99 {:.3} ms, worst {:.1} ms, {}/s, one connection{more}",
                p99_ms(counted),
                counted.worst.as_secs_f64() * 1_000.0,
                thousands(counted.rate),
            ),
        )
    };
    let at_small = format!(
        "; at {} messages p50 {:.3} ms, p99 {:.3} ms",
        thousands(small.messages as f64),
        ms(&cold_small),
        p99_ms(&cold_small)
    );
    Ok(vec![
        row("cold", &cold, at_small),
        row("warm", &warm, String::new()),
    ])
}

fn cold(plan: &Plan, filled: &Filled) -> anyhow::Result<Counted> {
    filled.server.process().wait_until_idle()?;
    pages::forget(&filled.server.data())?;
    random(plan, filled)
}

fn random(plan: &Plan, filled: &Filled) -> anyhow::Result<Counted> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let request = |_| get(&filled.message_path(random.usize(0..filled.messages)));
    let load = Load {
        servers: vec![filled.server.address()],
        requests: Arc::new(Requests::plain((0..REQUESTS).map(request).collect())),
        connections: 1,
        status: 200,
        lasts: plan.lasts,
    };
    load.run()
}
