//! Ten times as many messages on the same machine: write rate, memory, start after `kill -9`, and random reads.
//!
//! Two servers, one with each number of messages, take turns; the one that waits has nothing to do. Afterwards both
//! folders are gone.

mod gets;

use std::sync::Arc;
use std::time::Duration;

use crate::bench::api::batch_body;
use crate::bench::compare::{in_turns, median};
use crate::bench::load::Load;
use crate::bench::pages;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::post;
use crate::bench::rows::creates::over_chats;
use crate::bench::series::Series;
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan};

const CHATS: usize = 1_000;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches; each chat gets many of them.
const BATCHES: usize = 64;
const FILLING_CONNECTIONS: usize = 4;
/// Writes before a kill, so that there is something to replay.
const BEFORE_KILL: Duration = Duration::from_secs(1);

const SMALL: &str = "small";
const LARGE: &str = "large";

/// A server with its messages.
struct Filled {
    server: Server,
    token: String,
    messages: usize,
    fill_rate: f64,
    peak_mebibytes: f64,
    idle_mebibytes: f64,
    disk_mebibytes: f64,
}

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut small = Filled::fill(plan, plan.scale_messages)?;
    let mut large = Filled::fill(plan, 10 * plan.scale_messages)?;
    let mut rows = memory(&small, &large);
    rows.push(write_rate(plan, &small, &large)?);
    rows.push(starts(plan, &mut small, &mut large)?);
    rows.extend(gets::measure(plan, &small, &large)?);
    Ok(rows)
}

impl Filled {
    fn fill(plan: &Plan, messages: usize) -> anyhow::Result<Filled> {
        let server = Server::start(plan.temporary_folder()?)?;
        let token = server.api().create_application()?;
        server.api().create_chats(&token, CHATS)?;
        let texts = plan.messages(BATCHES * BATCH_MESSAGES);
        let bodies: Vec<String> = texts.chunks(BATCH_MESSAGES).map(batch_body).collect();
        let path = format!("/v1/applications/{token}/chats");
        let make = move |place: usize| {
            let path = format!("{path}/{}/messages/batch", place % CHATS + 1);
            post(&path, &bodies[place % BATCHES])
        };
        let series = Series {
            server: server.address(),
            make: Arc::new(make),
            count: messages / BATCH_MESSAGES,
            connections: FILLING_CONNECTIONS,
            status: 201,
            name: format!("{} messages", thousands(messages as f64)),
        };
        let (lasted, peak_mebibytes) = server.process().peak_while(|| series.run())?;
        server.process().wait_until_idle()?;
        Ok(Filled {
            messages,
            fill_rate: messages as f64 / lasted.as_secs_f64(),
            peak_mebibytes,
            idle_mebibytes: server.anonymous_mebibytes()?,
            disk_mebibytes: pages::disk_bytes(&server.data())? as f64 / (1_024.0 * 1_024.0),
            token,
            server,
        })
    }

    /// The path of a message by its place among those of the fill.
    fn message_path(&self, place: usize) -> String {
        let (batch, index) = (place / BATCH_MESSAGES, place % BATCH_MESSAGES);
        let (chat, number) = (batch % CHATS + 1, batch / CHATS * BATCH_MESSAGES + index + 1);
        format!("/v1/applications/{}/chats/{chat}/messages/{number}", self.token)
    }

    fn creates(&self, plan: &Plan, lasts: Duration) -> Load {
        over_chats(plan, (&self.server, &self.token), CHATS, lasts)
    }
}

fn memory(small: &Filled, large: &Filled) -> Vec<Row> {
    let row = |filled: &Filled, bound: Option<Bound>| {
        let what = format!(
            "memory after {} messages: RssAnon",
            thousands(filled.messages as f64)
        );
        let note = format!(
            "once idle; at most {:.1} MiB while filled at {}/s; {:.0} MiB on the disk",
            filled.peak_mebibytes,
            thousands(filled.fill_rate),
            filled.disk_mebibytes,
        );
        match bound {
            Some(bound) => Row::held(&what, Unit::Mebibytes, filled.idle_mebibytes, bound, note),
            None => Row::reported(&what, Unit::Mebibytes, filled.idle_mebibytes, note),
        }
    };
    vec![row(small, None), row(large, Some(Bound::low(512.0, 256.0)))]
}

fn write_rate(plan: &Plan, small: &Filled, large: &Filled) -> anyhow::Result<Row> {
    let (at_small, at_large) = (small.creates(plan, plan.lasts), large.creates(plan, plan.lasts));
    let rounds = in_turns(
        plan.rounds,
        &mut [
            (SMALL, Box::new(|| Ok(at_small.run()?.rate))),
            (LARGE, Box::new(|| Ok(at_large.run()?.rate))),
        ],
    )?;
    Ok(Row::held(
        &format!(
            "single creates at {} messages, against at {}",
            thousands(large.messages as f64),
            thousands(small.messages as f64)
        ),
        Unit::Ratio,
        rounds.ratio(LARGE, SMALL),
        Bound::high(0.9, 0.95),
        format!(
            "{}/s against {}/s, medians; {CONNECTIONS} connections, {CHATS} chats",
            thousands(rounds.median(LARGE)),
            thousands(rounds.median(SMALL))
        ),
    ))
}

/// From the start of the program to its first answered read, after a kill in the middle of nothing but right after
/// the last answer, so that the view lags as far behind the log as it may.
fn starts(plan: &Plan, small: &mut Filled, large: &mut Filled) -> anyhow::Result<Row> {
    let (mut small_ms, mut large_ms) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        for (filled, times_ms) in [(&mut *small, &mut small_ms), (&mut *large, &mut large_ms)] {
            filled.creates(plan, BEFORE_KILL).run()?;
            let path = filled.message_path(0);
            let took_ms = filled.server.kill_and_start(&path)?.as_secs_f64() * 1_000.0;
            eprintln!(
                "    start {round} of {} at {} messages: {took_ms:.0} ms",
                plan.rounds,
                thousands(filled.messages as f64)
            );
            times_ms.push(took_ms);
        }
    }
    let worst = large_ms.iter().copied().fold(0.0, f64::max);
    Ok(Row::held(
        &format!(
            "start after kill -9 at {} messages",
            thousands(large.messages as f64)
        ),
        Unit::Milliseconds,
        median(large_ms),
        Bound::low(2_000.0, 500.0),
        format!(
            "until the first message is read; median of {}, worst {worst:.0} ms; {:.0} ms at {} messages; killed after {} s of creates",
            plan.rounds,
            median(small_ms),
            thousands(small.messages as f64),
            BEFORE_KILL.as_secs()
        ),
    ))
}
