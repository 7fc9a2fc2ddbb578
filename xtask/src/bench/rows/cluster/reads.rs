//! Reads through an API node: of few things and of many, with Redis and without.
//!
//! Pages of messages are kept in Redis once a node read them twice: "few" are the same over and over, so they come from
//! there, "new" are read once. One message is not kept: "few" and "many" differ in what MySQL has at hand.

use std::cell::Cell;
use std::sync::Arc;

use super::cached;
use super::indexing::indexed;
use crate::bench::Plan;
use crate::bench::api::Api;
use crate::bench::cluster::Deployment;
use crate::bench::cluster::processors::Used;
use crate::bench::compare::{Contender, Rounds, in_turns};
use crate::bench::load::Load;
use crate::bench::redis::Redis;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, get};

pub(super) const CHATS: usize = 64;
pub(super) const MESSAGES_A_CHAT: usize = 1_000;
const CONNECTIONS: usize = 64;
/// A prime, so that one step after the other visits every message in a scattered order.
const STRIDE: usize = 7_919;
const FEW: usize = 16;
/// Above the number of every message.
const NOT_REACHED: usize = 2 * MESSAGES_A_CHAT;

const ONE_FEW: &str = "one message, few";
const ONE_MANY: &str = "one message, many";
const ONE_ALONE: &str = "one message, without Redis";
const LAST_KEPT: &str = LASTS[0].1;
const LAST_ALONE: &str = LASTS[0].2;
const PAGE_NEW: &str = "50, new";
/// Lengths of the pages that are kept, and their names with Redis and without.
const LASTS: [(usize, &str, &str); 4] = [
    (50, "last 50, kept", "last 50, without Redis"),
    (20, "last 20, kept", "last 20, without Redis"),
    (10, "last 10, kept", "last 10, without Redis"),
    (1, "last 1, kept", "last 1, without Redis"),
];

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let deployment = Deployment::start(plan, 1)?;
    let api = deployment.nodes[0].api;
    let token = api.create_application()?;
    api.create_chats(&token, CHATS)?;
    let messages = plan.messages(MESSAGES_A_CHAT);
    for chat in 1..=CHATS {
        api.create_batch(&token, chat, &messages)?;
    }
    indexed(api)?;
    let mut rows = over_http(plan, &deployment, &token)?;
    rows.extend(cached::measure(plan, &deployment, &token)?);
    Ok(rows)
}

fn over_http(plan: &Plan, deployment: &Deployment<'_>, token: &str) -> anyhow::Result<Vec<Row>> {
    let redis = match Redis::start(plan.temporary_folder()?)? {
        Redis::Running(running) => running,
        Redis::Missing(why) => anyhow::bail!(why),
    };
    let alone = deployment.node_with_redis(redis.port())?;
    drop(redis);

    let path = |chat: usize| format!("/v1/applications/{token}/chats/{}/messages", chat % CHATS + 1);
    let one = |place: usize| {
        let place = place * STRIDE;
        get(&format!(
            "{}/{}",
            path(place / MESSAGES_A_CHAT),
            place % MESSAGES_A_CHAT + 1
        ))
    };
    let last = |length: usize| get(&format!("{}?last={length}", path(0)));
    // No message has the number that `before` names, so the round makes nothing of it but another page.
    let round = Cell::new(NOT_REACHED);
    let new = |place: usize| {
        let (place, before) = (place * STRIDE, round.get());
        let after = place % (MESSAGES_A_CHAT - 50);
        get(&format!(
            "{}?after={after}&before={before}&limit=50",
            path(place / MESSAGES_A_CHAT)
        ))
    };
    let ring =
        |count: usize, of: &dyn Fn(usize) -> Vec<u8>| Arc::new(Requests::plain((0..count).map(of).collect()));
    let ones = ring(CHATS * MESSAGES_A_CHAT, &one);
    let few_ones = ring(FEW, &one);
    let lasts = LASTS.map(|(length, ..)| ring(1, &|_| last(length)));
    let new_pages = || {
        round.set(round.get() + 1);
        ring(CHATS * MESSAGES_A_CHAT, &new)
    };

    let node = deployment.nodes[0].api;
    let parts = deployment.parts();
    let (mut of_one, mut of_last) = (Used::by(parts.clone())?, Used::by(parts)?);
    let rate =
        |api: Api, requests: &Arc<Requests>| load(plan, api, requests).run().map(|counted| counted.rate);
    let mut contenders: Vec<Contender<'_>> = vec![
        (ONE_FEW, Box::new(|| of_one.during(|| rate(node, &few_ones)))),
        (ONE_MANY, Box::new(|| rate(node, &ones))),
        (ONE_ALONE, Box::new(|| rate(alone.api, &few_ones))),
        (LAST_KEPT, Box::new(|| of_last.during(|| rate(node, &lasts[0])))),
        (LAST_ALONE, Box::new(|| rate(alone.api, &lasts[0]))),
        (PAGE_NEW, Box::new(|| rate(node, &new_pages()))),
    ];
    for ((_, kept, without), requests) in LASTS.iter().zip(&lasts).skip(1) {
        contenders.push((kept, Box::new(|| rate(node, requests))));
        contenders.push((without, Box::new(|| rate(alone.api, requests))));
    }
    let rounds = in_turns(plan.rounds, &mut contenders)?;
    drop(contenders);
    let mut rows = vec![
        rate_row(
            "get one message, 1 API node, the same few",
            &rounds,
            ONE_FEW,
            &of_one,
        ),
        against(
            "the same, many that nobody read before, against few",
            &rounds,
            ONE_MANY,
            ONE_FEW,
        ),
        against(
            "the same, without Redis, against with",
            &rounds,
            ONE_ALONE,
            ONE_FEW,
        ),
        rate_row(
            "last 50 of a chat, 1 API node, kept in Redis",
            &rounds,
            LAST_KEPT,
            &of_last,
        ),
        against(
            "50 of a chat, pages that nobody read before, against kept",
            &rounds,
            PAGE_NEW,
            LAST_KEPT,
        ),
    ];
    for (length, kept, without) in LASTS {
        let what = format!("last {length} of a chat, kept in Redis, against without Redis");
        rows.push(against(&what, &rounds, kept, without));
    }
    Ok(rows)
}

fn load(plan: &Plan, api: Api, requests: &Arc<Requests>) -> Load {
    Load {
        servers: vec![api.address()],
        requests: Arc::clone(requests),
        connections: CONNECTIONS,
        status: 200,
        lasts: plan.cluster_lasts,
    }
}

fn rate_row(what: &str, rounds: &Rounds, name: &str, used: &Used) -> Row {
    let note =
        format!("{CONNECTIONS} connections, {CHATS} chats of {MESSAGES_A_CHAT} messages; a median; {used}");
    Row::reported(what, Unit::PerSecond, rounds.median(name), note)
}

fn against(what: &str, rounds: &Rounds, of: &str, to: &str) -> Row {
    let (rate, other) = (thousands(rounds.median(of)), thousands(rounds.median(to)));
    Row::reported(
        what,
        Unit::Ratio,
        rounds.ratio(of, to),
        format!("{rate}/s against {other}/s, medians"),
    )
}
