//! Single creates over HTTP: against the same server's /healthz, without a search index, with a key each, against Redis.

use std::sync::Arc;
use std::time::Duration;

use crate::bench::compare::{Contender, Rounds, in_turns};
use crate::bench::load::Load;
use crate::bench::redis::Redis;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, get, post};
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan};

const CHATS: usize = 200;
/// Different requests; they are sent in turns.
const REQUESTS: usize = 20_000;

const HEALTHZ: &str = "/healthz";
const CREATES: &str = "creates";
const KEYED: &str = "creates with a key";
const REFUSED: &str = "refused creates";
const UNINDEXED: &str = "creates without an index";
const REDIS: &str = "redis";

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let redis = Redis::start(plan.temporary_folder()?)?;
    let without_index = Server::start_without_index(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    let creates = creates(plan, &server, &token)?;
    let unindexed = without_index.api().create_application()?;
    let unindexed = Arc::new(self::creates(plan, &without_index, &unindexed)?);
    let keyed = Arc::new(creates.keyed());
    let creates = Arc::new(creates);
    let healthz = Arc::new(Requests::plain(vec![get("/healthz")]));
    let refused = Arc::new(Requests::plain(vec![post(&path(&token, 0), r#"{"body": " "}"#)]));

    let mut contenders: Vec<Contender<'_>> = vec![
        (HEALTHZ, Box::new(|| plan.rate(&server, &healthz, 200))),
        (CREATES, Box::new(|| plan.rate(&server, &creates, 201))),
        (KEYED, Box::new(|| plan.rate(&server, &keyed, 201))),
        (REFUSED, Box::new(|| plan.rate(&server, &refused, 422))),
        (
            UNINDEXED,
            Box::new(|| {
                // The index of the other server takes in what came before.
                server.process().wait_until_idle()?;
                plan.rate(&without_index, &unindexed, 201)
            }),
        ),
    ];
    if let Redis::Running(running) = &redis {
        contenders.push((REDIS, Box::new(|| running.creates_per_second(plan.lasts))));
    }
    let rounds = in_turns(plan.rounds, &mut contenders)?;
    drop(contenders);
    Ok(rows(plan, &rounds, &redis))
}

fn path(token: &str, chat: usize) -> String {
    format!("/v1/applications/{token}/chats/{}/messages", chat % CHATS + 1)
}

/// Makes the chats, and creates for them.
fn creates(plan: &Plan, server: &Server, token: &str) -> anyhow::Result<Requests> {
    server.api().create_chats(token, CHATS)?;
    let bodies = plan.messages(REQUESTS);
    let create = |(index, message): (usize, &String)| post(&path(token, index), message);
    Ok(Requests::plain(bodies.iter().enumerate().map(create).collect()))
}

fn rows(plan: &Plan, rounds: &Rounds, redis: &Redis) -> Vec<Row> {
    let against = |of: &str, to: &str| {
        format!(
            "{of} {}/s, {to} {}/s, medians",
            thousands(rounds.median(of)),
            thousands(rounds.median(to))
        )
    };
    let redis_row = "single creates against Redis INCR + XADD, fsync always";
    let redis_bound = Bound::high(0.9, 1.3);
    vec![
        Row::held(
            "single creates, search index on, 64 connections, against /healthz",
            Unit::Ratio,
            rounds.ratio(CREATES, HEALTHZ),
            Bound::high(0.42, 0.55),
            against(CREATES, HEALTHZ),
        ),
        Row::held(
            "single creates, search index on, against without",
            Unit::Ratio,
            rounds.ratio(CREATES, UNINDEXED),
            Bound::high(0.8, 0.8),
            format!(
                "{}; rounds of {} s, of which the index takes in the last second afterwards; without: the same program, whose index cannot be made since a file stands where its folder belongs",
                against(CREATES, UNINDEXED),
                plan.lasts.as_secs()
            ),
        ),
        match redis {
            Redis::Running(_) => Row::held(
                redis_row,
                Unit::Ratio,
                rounds.ratio(CREATES, REDIS),
                redis_bound,
                against(CREATES, REDIS),
            ),
            Redis::Missing(why) => Row::not_measured(redis_row, Unit::Ratio, Some(redis_bound), why.clone()),
        },
        Row::held(
            "creates with an Idempotency-Key each, against without",
            Unit::Ratio,
            rounds.ratio(KEYED, CREATES),
            Bound::high(0.8, 0.9),
            against(KEYED, CREATES),
        ),
        Row::reported(
            "creates that are read and refused, against /healthz",
            Unit::Ratio,
            rounds.ratio(REFUSED, HEALTHZ),
            format!(
                "what HTTP and JSON leave: nothing is stored; {}",
                against(REFUSED, HEALTHZ)
            ),
        ),
    ]
}

/// Single creates that go to each of the first `chats` of an application in turn.
pub(super) fn over_chats(
    plan: &Plan,
    (server, token): (&Server, &str),
    chats: usize,
    lasts: Duration,
) -> Load {
    let create = |(place, text): (usize, &String)| {
        let chat = place % chats + 1;
        post(&format!("/v1/applications/{token}/chats/{chat}/messages"), text)
    };
    let requests = plan.messages(REQUESTS).iter().enumerate().map(create).collect();
    Load {
        servers: vec![server.address()],
        requests: Arc::new(Requests::plain(requests)),
        connections: CONNECTIONS,
        status: 201,
        lasts,
    }
}
