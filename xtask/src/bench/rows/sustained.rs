//! Batch creates for a minute: the rate from span to span, the memory meanwhile, and what was left to do at the end.

use std::sync::Arc;

use crate::bench::Plan;
use crate::bench::compare::median;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::server::{Server, batch_body};

const CHATS: usize = 200;
const CONNECTIONS: usize = 4;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches; each chat gets all of them in turn.
const BATCHES: usize = 16;

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.create_application()?;
    server.create_chats(&token, CHATS)?;
    let messages = plan.messages(BATCHES * BATCH_MESSAGES);
    let bodies: Vec<String> = messages.chunks(BATCH_MESSAGES).map(batch_body).collect();
    let request = |index: usize| {
        let path = format!(
            "/v1/applications/{token}/chats/{}/messages/batch",
            index % CHATS + 1
        );
        post(&path, &bodies[index % BATCHES])
    };
    let load = Load {
        server: server.address(),
        requests: Arc::new(Requests::plain((0..CHATS).map(request).collect())),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.batches_last,
    };
    let (counted, peak) = server.process().peak_while(|| load.run())?;
    let left = server.process().wait_until_idle()?;

    let each = |rate: f64| rate * BATCH_MESSAGES as f64;
    let rates: Vec<f64> = counted.rates(plan.span).into_iter().map(each).collect();
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let in_turn: Vec<String> = rates.iter().map(|rate| thousands(rate / 1_000.0)).collect();
    let (lasts, span) = (plan.batches_last.as_secs(), plan.span.as_secs());
    Ok(vec![
        Row::held(
            "batch creates, messages; no search index yet",
            Unit::PerSecond,
            each(counted.rate),
            Bound::high(200_000.0, 300_000.0),
            format!(
                "{lasts} s, {CONNECTIONS} connections, {BATCH_MESSAGES} messages a batch, {CHATS} chats; a batch took {:.1} ms (median), {:.1} ms (99 of 100), {:.1} ms (worst)",
                counted.median.as_secs_f64() * 1_000.0,
                counted.p99.as_secs_f64() * 1_000.0,
                counted.worst.as_secs_f64() * 1_000.0,
            ),
        ),
        Row::reported(
            "the slowest span of them, against the median span",
            Unit::Ratio,
            slowest / median(rates),
            format!(
                "spans of {span} s, in turn, thousands a second: {}",
                in_turn.join(" ")
            ),
        ),
        Row::reported(
            "most memory meanwhile: RssAnon",
            Unit::Mebibytes,
            peak,
            format!(
                "looked at ten times a second; {:.1} MiB once idle",
                server.anonymous_mebibytes()?
            ),
        ),
        Row::reported(
            "left to do after the last answer, until the server is idle",
            Unit::Milliseconds,
            left.as_secs_f64() * 1_000.0,
            "the view and its merging: what was answered is durable and can be read".to_owned(),
        ),
    ])
}
