//! Batch creates for a minute: the rate from span to span, the memory meanwhile, and what was left to do at the end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::bench::Plan;
use crate::bench::api::batch_body;
use crate::bench::compare::median;
use crate::bench::load::{Counted, Load};
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::server::Server;

const CHATS: usize = 200;
const CONNECTIONS: usize = 4;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches; each chat gets all of them in turn.
const BATCHES: usize = 16;

/// What a server made of the load.
struct Sustained {
    counted: Counted,
    peak_mebibytes: f64,
    idle_mebibytes: f64,
    left: Duration,
}

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let indexed = Server::start(plan.temporary_folder()?)?;
    let token = indexed.api().create_application()?;
    let with_index = run(plan, &indexed, &token, |server| {
        server.api().search(&token, "the")
    })
    .context("with the search index on")?;
    drop(indexed);
    let server = Server::start_without_index(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    let without_index = run(plan, &server, &token, |_| Ok(())).context("without a search index")?;

    let mut rows = vec![rate_row(
        plan,
        "batch creates, messages, search behind by no more than its bound",
        &with_index,
        Bound::high(100_000.0, 150_000.0),
        "; a search right after the last answer had all of it",
    )];
    rows.extend(reported(plan, &with_index));
    rows.push(rate_row(
        plan,
        "batch creates, messages, index off",
        &without_index,
        Bound::high(200_000.0, 300_000.0),
        "; the same program, whose index cannot be made since a file stands where its folder belongs",
    ));
    Ok(rows)
}

/// Does something right after the last answer.
fn run(
    plan: &Plan,
    server: &Server,
    token: &str,
    then: impl Fn(&Server) -> anyhow::Result<()>,
) -> anyhow::Result<Sustained> {
    server.api().create_chats(token, CHATS)?;
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
        servers: vec![server.address()],
        requests: Arc::new(Requests::plain((0..CHATS).map(request).collect())),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.batches_last,
    };
    let (counted, peak_mebibytes) = server.process().peak_while(|| load.run())?;
    then(server)?;
    Ok(Sustained {
        counted,
        peak_mebibytes,
        left: server.process().wait_until_idle()?,
        idle_mebibytes: server.anonymous_mebibytes()?,
    })
}

/// Messages for each batch.
fn each(rate: f64) -> f64 {
    rate * BATCH_MESSAGES as f64
}

fn rate_row(plan: &Plan, what: &str, found: &Sustained, bound: Bound, more: &str) -> Row {
    let counted = &found.counted;
    Row::held(
        what,
        Unit::PerSecond,
        each(counted.rate),
        bound,
        format!(
            "{} s, {CONNECTIONS} connections, {BATCH_MESSAGES} messages a batch, {CHATS} chats; a batch took {:.1} ms (median), {:.1} ms (99 of 100), {:.1} ms (worst){more}",
            plan.batches_last.as_secs(),
            counted.median.as_secs_f64() * 1_000.0,
            counted.p99.as_secs_f64() * 1_000.0,
            counted.worst.as_secs_f64() * 1_000.0,
        ),
    )
}

fn reported(plan: &Plan, found: &Sustained) -> [Row; 3] {
    let rates: Vec<f64> = found.counted.rates(plan.span).into_iter().map(each).collect();
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let in_turn: Vec<String> = rates.iter().map(|rate| thousands(rate / 1_000.0)).collect();
    [
        Row::reported(
            "the slowest span of them, against the median span",
            Unit::Ratio,
            slowest / median(rates),
            format!(
                "spans of {} s, in turn, thousands a second: {}",
                plan.span.as_secs(),
                in_turn.join(" ")
            ),
        ),
        Row::reported(
            "most memory meanwhile: RssAnon",
            Unit::Mebibytes,
            found.peak_mebibytes,
            format!(
                "looked at ten times a second; {:.1} MiB once idle",
                found.idle_mebibytes
            ),
        ),
        Row::reported(
            "left to do after the last answer, until the server is idle",
            Unit::Milliseconds,
            found.left.as_secs_f64() * 1_000.0,
            "view, index and their merging: what was answered is durable and can be read and found"
                .to_owned(),
        ),
    ]
}
