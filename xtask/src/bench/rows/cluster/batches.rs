//! The batch endpoint of two API nodes, against raw batched inserts of the same rows into the same tables.

use std::cell::Cell;

use super::{APPLICATIONS, NODES_HELD, applications, shuffled};
use crate::bench::Plan;
use crate::bench::api::batch_body;
use crate::bench::cluster::processors::Used;
use crate::bench::cluster::raw::Raw;
use crate::bench::cluster::status::Progress;
use crate::bench::cluster::{Deployment, PARTITIONS};
use crate::bench::compare::in_turns;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::post;

const CHATS: usize = 4;
const CONNECTIONS: usize = 32;
/// One transaction a partition runs at a time.
const RAW_CONNECTIONS: usize = PARTITIONS;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches.
const BATCHES: usize = 16;

const OURS: &str = "batch endpoint, messages";
const RAW: &str = "raw batched inserts";

pub(super) fn measure(plan: &Plan, deployment: &Deployment<'_>) -> anyhow::Result<Vec<Row>> {
    let api = deployment.nodes[0].api;
    let tokens = applications(api, CHATS)?;
    let messages = plan.messages(BATCHES * BATCH_MESSAGES);
    let bodies: Vec<String> = messages.chunks(BATCH_MESSAGES).map(batch_body).collect();
    let request = |place: usize| {
        let (token, chat) = (&tokens[place % APPLICATIONS], place / APPLICATIONS + 1);
        let path = format!("/v1/applications/{token}/chats/{chat}/messages/batch");
        post(&path, &bodies[place % BATCHES])
    };
    let load = Load {
        servers: deployment.addresses(NODES_HELD),
        requests: shuffled((0..APPLICATIONS * CHATS).map(request).collect()),
        connections: CONNECTIONS,
        status: 201,
        lasts: plan.cluster_lasts,
    };
    let mut raw = Raw::connect(plan, deployment, RAW_CONNECTIONS)?;
    let (mut of_ours, mut of_raw) = (Used::by(deployment.parts())?, Used::by(deployment.parts())?);
    let rows = Cell::new(0);
    let rounds = in_turns(
        plan.rounds,
        &mut [
            (
                OURS,
                Box::new(|| {
                    let before = (deployment.transactions()?, Progress::of(api)?.changes);
                    let counted = of_ours.during(|| load.run())?;
                    let transactions = deployment.transactions()? - before.0;
                    let changes = Progress::of(api)?.changes - before.1;
                    rows.set((changes / transactions.max(1)) as usize);
                    Ok(counted.rate * BATCH_MESSAGES as f64)
                }),
            ),
            (
                RAW,
                Box::new(|| {
                    deployment
                        .without_workers(|| of_raw.during(|| raw.batches(rows.get(), plan.cluster_lasts)))
                }),
            ),
        ],
    )?;
    Ok(vec![Row::held(
        "batch endpoint, 2 API nodes, against raw batched inserts",
        Unit::Ratio,
        rounds.ratio(OURS, RAW),
        Bound::high(0.4, 0.6),
        format!(
            "{}/s against {}/s, medians; {CONNECTIONS} connections, {BATCH_MESSAGES} messages a batch, {APPLICATIONS} \
             applications of {CHATS} chats, about {} messages a transaction; raw: {RAW_CONNECTIONS} connections, as many \
             rows a transaction. Ours: {of_ours}. Raw: {of_raw}",
            thousands(rounds.median(OURS)),
            thousands(rounds.median(RAW)),
            rows.get(),
        ),
    )])
}
