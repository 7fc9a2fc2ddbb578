//! How the cost of search grows with the number of messages: one folder after the other, each gone before the next.

use crate::bench::Plan;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::talk::Talk;

use super::filled::Filled;
use super::latency::{Latencies, Scope};
use super::queries::{self, Class};

pub(in super::super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let talk = Talk::at_hand(plan)?;
    let classes = queries::classes(&talk, plan.search_queries);
    let mut rows = Vec::new();
    for copies in plan.search_copies {
        let filled = Filled::fill(plan, &talk, *copies)?;
        rows.extend(of_one(&filled, &classes)?);
    }
    Ok(rows)
}

fn of_one(filled: &Filled, classes: &[Class]) -> anyhow::Result<Vec<Row>> {
    let messages = thousands(filled.messages as f64);
    let mut rows = Vec::new();
    for scope in [Scope::Chat, Scope::Application] {
        let mut all = Latencies::default();
        for class in classes {
            all.append(filled.ask(&class.queries, scope)?);
        }
        eprintln!("    {scope}: {:.3} ms", all.median());
        rows.push(Row::reported(
            &format!("{messages} messages: search {scope}, median"),
            Unit::Milliseconds,
            all.median(),
            all.to_string(),
        ));
    }
    rows.push(Row::reported(
        &format!("{messages} messages: index on disk, against the bytes of the bodies"),
        Unit::Ratio,
        filled.index_share(),
        filled.disk_note(),
    ));
    rows.push(Row::reported(
        &format!("{messages} messages: RssAnon"),
        Unit::Mebibytes,
        filled.idle_mebibytes,
        filled.memory_note(),
    ));
    Ok(rows)
}
