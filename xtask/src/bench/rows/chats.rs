//! One chat against a hundred thousand: single creates and batches, on one server.

use std::sync::Arc;

use crate::bench::api::batch_body;
use crate::bench::compare::in_turns;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::series::Series;
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan};

const CHATS: usize = 100_000;
/// Different texts; they are sent in turns.
const TEXTS: usize = 10_000;
/// Few, so that many chats are touched in a second.
const BATCH_MESSAGES: usize = 100;
/// Different batches.
const BATCHES: usize = 50;
const BATCH_CONNECTIONS: usize = 4;
/// A prime, so that one step after the other visits every chat in a scattered order.
const STRIDE: usize = 7_919;

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, CHATS)?;
    let texts = plan.messages(TEXTS);
    let bodies: Vec<String> = texts
        .chunks(BATCH_MESSAGES)
        .take(BATCHES)
        .map(batch_body)
        .collect();
    let scattered = |place: usize| place * STRIDE % CHATS + 1;
    let create = |chat: usize, place: usize| {
        let path = format!("/v1/applications/{token}/chats/{chat}/messages");
        post(&path, &texts[place % TEXTS])
    };
    let one = Arc::new(Requests::plain(
        (0..TEXTS).map(|place| create(1, place)).collect(),
    ));
    let many = (0..CHATS).map(|place| create(scattered(place), place)).collect();
    let many = Arc::new(Requests::plain(many));

    let creates = in_turns(
        plan.rounds,
        &mut [
            ("one", Box::new(|| plan.rate(&server, &one, 201))),
            ("many", Box::new(|| plan.rate(&server, &many, 201))),
        ],
    )?;
    let bodies = Arc::new(bodies);
    let batches = |chat_of: fn(usize) -> usize| {
        let (token, bodies) = (token.clone(), Arc::clone(&bodies));
        let make = move |place: usize| {
            let path = format!("/v1/applications/{token}/chats/{}/messages/batch", chat_of(place));
            post(&path, &bodies[place % BATCHES])
        };
        let series = Series {
            server: server.address(),
            make: Arc::new(make),
            count: plan.series_batches,
            connections: BATCH_CONNECTIONS,
            status: 201,
            name: String::new(),
        };
        let messages = (plan.series_batches * BATCH_MESSAGES) as f64;
        Ok(messages / series.run()?.as_secs_f64())
    };
    let batches = in_turns(
        plan.rounds,
        &mut [
            ("one", Box::new(|| batches(|_| 1))),
            ("many", Box::new(|| batches(|place| place * STRIDE % CHATS + 1))),
        ],
    )?;
    let note = |of: &crate::bench::compare::Rounds, what: &str| {
        format!(
            "{} chats {}/s, 1 chat {}/s, medians; {what}",
            thousands(CHATS as f64),
            thousands(of.median("many")),
            thousands(of.median("one"))
        )
    };
    Ok(vec![
        Row::reported(
            "single creates into 100,000 chats, against into 1",
            Unit::Ratio,
            creates.ratio("many", "one"),
            note(&creates, &format!("{CONNECTIONS} connections")),
        ),
        Row::reported(
            "batches into 100,000 chats, against into 1",
            Unit::Ratio,
            batches.ratio("many", "one"),
            note(
                &batches,
                &format!("messages, {BATCH_MESSAGES} a batch, {BATCH_CONNECTIONS} connections"),
            ),
        ),
    ])
}
