//! Reads over HTTP: one message, and the last 50 of a chat, against the same server's /healthz.

use std::sync::Arc;

use crate::bench::Plan;
use crate::bench::compare::in_turns;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, get};
use crate::bench::server::Server;

const CHATS: usize = 200;
const MESSAGES_A_CHAT: usize = 1_000;
/// A prime, so that one step after the other visits every message in a scattered order.
const STRIDE: usize = 7_919;
const REQUESTS: usize = 20_000;

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, CHATS)?;
    let messages = plan.messages(MESSAGES_A_CHAT);
    for chat in 1..=CHATS {
        server.api().create_batch(&token, chat, &messages)?;
    }

    let chat_path = |chat: usize| format!("/v1/applications/{token}/chats/{}/messages", chat % CHATS + 1);
    let one = |index: usize| {
        let number = index * STRIDE % MESSAGES_A_CHAT + 1;
        get(&format!("{}/{number}", chat_path(index)))
    };
    let last = |index: usize| get(&format!("{}?last=50", chat_path(index)));
    let healthz = Arc::new(Requests::plain(vec![get("/healthz")]));
    let one = Arc::new(Requests::plain((0..REQUESTS).map(one).collect()));
    let last = Arc::new(Requests::plain((0..CHATS).map(last).collect()));

    let rounds = in_turns(
        plan.rounds,
        &mut [
            ("/healthz", Box::new(|| plan.rate(&server, &healthz, 200))),
            ("one", Box::new(|| plan.rate(&server, &one, 200))),
            ("last", Box::new(|| plan.rate(&server, &last, 200))),
        ],
    )?;
    let row = |what: &str, name: &str, bound: Bound| {
        let note = format!(
            "{}/s, /healthz {}/s, medians; {CHATS} chats of {MESSAGES_A_CHAT} messages",
            thousands(rounds.median(name)),
            thousands(rounds.median("/healthz")),
        );
        Row::held(what, Unit::Ratio, rounds.ratio(name, "/healthz"), bound, note)
    };
    Ok(vec![
        row("get one message, against /healthz", "one", Bound::high(0.8, 0.9)),
        row(
            "last 50 of a chat, against /healthz",
            "last",
            Bound::high(0.4, 0.5),
        ),
    ])
}
