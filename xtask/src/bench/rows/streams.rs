//! Live streams: what ten thousand that wait cost in memory and in writes, and how soon a hundred are told.

mod delivery;
mod held;

use std::time::Duration;

use crate::bench::compare::in_turns;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::rows::creates::over_chats;
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan};
use held::Held;

/// Chats that are written to; nobody follows their application.
const CHATS: usize = 1_000;

const ALONE: &str = "alone";
const BESIDE: &str = "beside idle streams";

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    held::raise_the_limit_of_connections(plan.idle_streams)?;
    let mut rows = idle(plan)?;
    rows.push(delivery::measure(plan)?);
    Ok(rows)
}

fn idle(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let (alone, beside) = (Written::start(plan)?, Written::start(plan)?);
    let followed = beside.server.api().create_application()?;
    beside.server.process().wait_until_idle()?;
    let before = beside.server.anonymous_mebibytes()?;
    let streams = Held::open(beside.server.address(), &followed, plan.idle_streams)?;
    beside.server.process().wait_until_idle()?;
    let grown = beside.server.anonymous_mebibytes()? - before;
    let (at_alone, at_beside) = (alone.creates(plan, plan.lasts), beside.creates(plan, plan.lasts));
    let rounds = in_turns(
        plan.rounds,
        &mut [
            (ALONE, Box::new(|| Ok(at_alone.run()?.rate))),
            (BESIDE, Box::new(|| Ok(at_beside.run()?.rate))),
        ],
    )?;
    let count = thousands(streams.len() as f64);
    Ok(vec![
        Row::held(
            &format!("{count} idle streams: RssAnon of each"),
            Unit::Kibibytes,
            grown * 1_024.0 / streams.len() as f64,
            Bound::low(16.0, 12.0),
            format!("{grown:.1} MiB more than {before:.1} MiB, once idle again; connections included"),
        ),
        Row::held(
            &format!("single creates beside {count} idle streams, against without"),
            Unit::Ratio,
            rounds.ratio(BESIDE, ALONE),
            Bound::high(0.8, 0.95),
            format!(
                "{}/s against {}/s, medians; {CONNECTIONS} connections, another application than the followed one",
                thousands(rounds.median(BESIDE)),
                thousands(rounds.median(ALONE))
            ),
        ),
    ])
}

/// A server with chats to write to.
struct Written {
    server: Server,
    token: String,
}

impl Written {
    fn start(plan: &Plan) -> anyhow::Result<Written> {
        let server = Server::start(plan.temporary_folder()?)?;
        let token = server.api().create_application()?;
        server.api().create_chats(&token, CHATS)?;
        Ok(Written { server, token })
    }

    fn creates(&self, plan: &Plan, lasts: Duration) -> Load {
        over_chats(plan, (&self.server, &self.token), CHATS, lasts)
    }
}
