//! Single creates: through 1, 2 and 4 API nodes against raw transactions of one row each; and, while workers and index are
//! at rest as if they had machines of their own, also against transactions that store one by one what a create stores.

use std::cell::RefCell;
use std::sync::Arc;

use super::{APPLICATIONS, NODES_HELD, applications, shuffled};
use crate::bench::Plan;
use crate::bench::cluster::Deployment;
use crate::bench::cluster::processors::Used;
use crate::bench::cluster::raw::Raw;
use crate::bench::compare::{Contender, in_turns};
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, post};

const CHATS: usize = 3;
const CONNECTIONS: usize = 512;
const RAW_CONNECTIONS: usize = 64;
/// Different requests; they are sent in turns.
const REQUESTS: usize = 19_200;

/// How many API nodes, and what that contender is called.
const OURS: [(usize, &str); 3] = [
    (1, "creates, 1 node"),
    (2, "creates, 2 nodes"),
    (4, "creates, 4 nodes"),
];
const RAW: &str = "raw single-row transactions";
const AT_REST: &str = "creates, 2 nodes, workers at rest";
const NUMBERED: &str = "raw transactions that number a message";

pub(super) fn measure(plan: &Plan, deployment: &Deployment<'_>) -> anyhow::Result<Vec<Row>> {
    let tokens = applications(deployment.nodes[0].api, CHATS)?;
    let texts = plan.messages(REQUESTS);
    let create = |(place, text): (usize, &String)| {
        let (token, chat) = (&tokens[place % APPLICATIONS], place / APPLICATIONS % CHATS + 1);
        post(&format!("/v1/applications/{token}/chats/{chat}/messages"), text)
    };
    let requests = shuffled(texts.iter().enumerate().map(create).collect());
    let mut rows = with_workers(plan, deployment, &requests)?;
    rows.extend(deployment.without_workers(|| at_rest(plan, deployment, &requests))?);
    Ok(rows)
}

fn load(plan: &Plan, deployment: &Deployment<'_>, nodes: usize, requests: &Arc<Requests>) -> Load {
    Load {
        servers: deployment.addresses(nodes),
        requests: Arc::clone(requests),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.cluster_lasts,
    }
}

fn with_workers(
    plan: &Plan,
    deployment: &Deployment<'_>,
    requests: &Arc<Requests>,
) -> anyhow::Result<Vec<Row>> {
    let mut raw = Raw::connect(plan, deployment, RAW_CONNECTIONS)?;
    let mut used = Vec::new();
    for _ in 0..=OURS.len() {
        used.push(Used::by(deployment.parts())?);
    }
    let (of_raw, of_ours) = used.split_last_mut().expect("there are several");
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for ((nodes, name), used) in OURS.into_iter().zip(of_ours) {
        let load = load(plan, deployment, nodes, requests);
        contenders.push((name, Box::new(move || Ok(used.during(|| load.run())?.rate))));
    }
    contenders.push((
        RAW,
        Box::new(|| deployment.without_workers(|| of_raw.during(|| raw.singles(plan.cluster_lasts)))),
    ));
    let rounds = in_turns(plan.rounds, &mut contenders)?;
    drop(contenders);
    let (of_raw, of_ours) = used.split_last().expect("there are several");
    let row = |(nodes, name): (usize, &str), used: &Used| {
        let what =
            format!("single creates, {CONNECTIONS} connections, {nodes} API nodes, against raw transactions");
        let ratio = rounds.ratio(name, RAW);
        let note = format!(
            "{}/s against {}/s of one row each from {RAW_CONNECTIONS} connections, medians; {APPLICATIONS} applications \
             of {CHATS} chats. Ours: {used}",
            thousands(rounds.median(name)),
            thousands(rounds.median(RAW)),
        );
        if nodes == NODES_HELD {
            let note = format!("{note}. Raw: {of_raw}");
            Row::held(&what, Unit::Ratio, ratio, Bound::high(1.5, 2.5), note)
        } else {
            Row::reported(&what, Unit::Ratio, ratio, note)
        }
    };
    Ok(OURS
        .into_iter()
        .zip(of_ours)
        .map(|(ours, used)| row(ours, used))
        .collect())
}

fn at_rest(plan: &Plan, deployment: &Deployment<'_>, requests: &Arc<Requests>) -> anyhow::Result<Vec<Row>> {
    let raw = RefCell::new(Raw::connect(plan, deployment, RAW_CONNECTIONS)?);
    let load = load(plan, deployment, NODES_HELD, requests);
    let mut used = Used::by(deployment.parts())?;
    let rounds = in_turns(
        plan.rounds,
        &mut [
            (AT_REST, Box::new(|| Ok(used.during(|| load.run())?.rate))),
            (RAW, Box::new(|| raw.borrow_mut().singles(plan.cluster_lasts))),
            (
                NUMBERED,
                Box::new(|| raw.borrow_mut().numbered(plan.cluster_lasts)),
            ),
        ],
    )?;
    let row = |against: &'static str, what: &str| {
        let what = format!("the same with 2 API nodes while workers and index are at rest, against {what}");
        let note = format!(
            "{}/s against {}/s from {RAW_CONNECTIONS} connections, medians. Ours: {used}",
            thousands(rounds.median(AT_REST)),
            thousands(rounds.median(against)),
        );
        Row::reported(&what, Unit::Ratio, rounds.ratio(AT_REST, against), note)
    };
    Ok(vec![
        row(RAW, "raw transactions"),
        row(
            NUMBERED,
            "transactions that take a message's numbers from its chat and application and store its change too",
        ),
    ])
}
