//! The memory of a server that was just started and does nothing.

use std::time::Duration;

use crate::bench::Plan;
use crate::bench::report::{Bound, Row, Unit};
use crate::bench::server::Server;

/// Long enough for what runs at start-up to end.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    std::thread::sleep(SETTLE);
    Ok(vec![Row::held(
        "idle: RssAnon of a fresh server",
        Unit::Mebibytes,
        server.anonymous_mebibytes()?,
        Bound::low(30.0, 15.0),
        format!("{} s after its start, empty folder", SETTLE.as_secs()),
    )])
}
