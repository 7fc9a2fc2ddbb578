//! Single creates through 1, 2 and 4 API nodes, against raw transactions of one row each.

use super::{APPLICATIONS, NODES_HELD, applications, shuffled};
use crate::bench::Plan;
use crate::bench::cluster::Deployment;
use crate::bench::cluster::processors::Used;
use crate::bench::cluster::raw::Raw;
use crate::bench::compare::in_turns;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::post;

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

pub(super) fn measure(plan: &Plan, deployment: &Deployment<'_>) -> anyhow::Result<Vec<Row>> {
    let tokens = applications(deployment.nodes[0].api, CHATS)?;
    let texts = plan.messages(REQUESTS);
    let create = |(place, text): (usize, &String)| {
        let (token, chat) = (&tokens[place % APPLICATIONS], place / APPLICATIONS % CHATS + 1);
        post(&format!("/v1/applications/{token}/chats/{chat}/messages"), text)
    };
    let requests = shuffled(texts.iter().enumerate().map(create).collect());
    let mut raw = Raw::connect(plan, deployment, RAW_CONNECTIONS)?;
    let mut used = Vec::new();
    for _ in 0..=OURS.len() {
        used.push(Used::by(deployment.parts())?);
    }
    let (of_raw, of_ours) = used.split_last_mut().expect("there are several");
    let mut contenders: Vec<crate::bench::compare::Contender<'_>> = Vec::new();
    for ((nodes, name), used) in OURS.into_iter().zip(of_ours) {
        let load = Load {
            servers: deployment.addresses(nodes),
            requests: std::sync::Arc::clone(&requests),
            connections: CONNECTIONS,
            status: 201,
            lasts: plan.cluster_lasts,
        };
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
