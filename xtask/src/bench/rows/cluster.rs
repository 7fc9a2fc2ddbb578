//! Several machines, all of them on this one: API nodes, workers and the four systems.

mod batches;
mod cached;
mod creates;
mod indexing;
mod reads;

use std::sync::Arc;

use crate::bench::Plan;
use crate::bench::api::Api;
use crate::bench::cluster::Deployment;
use crate::bench::report::Row;
use crate::bench::requests::Requests;

/// Applications that writes are spread over, so that they meet all partitions.
const APPLICATIONS: usize = 64;
/// API nodes; a row uses the first few of them.
const NODES: usize = 4;
/// Of which those rows use so many that are held against a bound.
const NODES_HELD: usize = 2;

pub(super) fn writes(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let deployment = Deployment::start(plan, NODES)?;
    let mut rows = batches::measure(plan, &deployment)?;
    rows.extend(creates::measure(plan, &deployment)?);
    Ok(rows)
}

pub(super) fn indexing(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let deployment = Deployment::start(plan, NODES_HELD)?;
    indexing::measure(plan, &deployment)
}

pub(super) fn reads(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    reads::measure(plan)
}

/// Applications with so many chats each.
fn applications(api: Api, chats: usize) -> anyhow::Result<Vec<String>> {
    let new = || {
        let token = api.create_application()?;
        api.create_chats(&token, chats)?;
        Ok(token)
    };
    std::iter::repeat_with(new).take(APPLICATIONS).collect()
}

/// Requests in an order that does not favour any application.
fn shuffled(mut ring: Vec<Vec<u8>>) -> Arc<Requests> {
    fastrand::Rng::with_seed(1).shuffle(&mut ring);
    Arc::new(Requests::plain(ring))
}
