//! Batch creates: few connections, 1,000 messages a request.

use std::sync::Arc;

use crate::bench::Plan;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit};
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
    let counted = load.run()?;
    Ok(vec![
        Row::held(
            "batch creates, messages",
            Unit::PerSecond,
            counted.rate * BATCH_MESSAGES as f64,
            Bound::high(100_000.0, 150_000.0),
            format!(
                "{} s, {CONNECTIONS} connections, {BATCH_MESSAGES} messages a batch, {CHATS} chats; a batch took {:.1} ms (median), {:.1} ms (99 of 100)",
                plan.batches_last.as_secs(),
                counted.median.as_secs_f64() * 1_000.0,
                counted.p99.as_secs_f64() * 1_000.0,
            ),
        ),
        Row::reported(
            "memory after the batches: RssAnon",
            Unit::Mebibytes,
            server.anonymous_mebibytes()?,
            "the same server, right after its last answer".to_owned(),
        ),
    ])
}
