//! Search over the corpus told ten times: how long a query takes, what the index costs, and whether it misses a write.
//!
//! One application with the corpus' chats. Queries go over one connection, one after the other, to a warm server.

mod beside;
mod filled;
pub(super) mod growth;
mod latency;
mod misses;
mod queries;

use crate::bench::Plan;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::talk::Talk;

use filled::Filled;
use latency::{Latencies, Scope};
use queries::Class;

/// What a median in milliseconds is held against: at least, and the goal.
fn median_bound(scope: Scope) -> (f64, f64) {
    match scope {
        Scope::Chat => (1.0, 0.3),
        Scope::Application => (20.0, 5.0),
    }
}

/// Of 100 queries 99 take at most so many times the median that is asked for.
const P99_MEDIANS: f64 = 5.0;

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let talk = Talk::at_hand(plan)?;
    let filled = Filled::fill(plan, &talk, plan.search_copies[1])?;
    let classes = queries::classes(&talk, plan.search_queries);
    let mut rows = Vec::new();
    for scope in [Scope::Chat, Scope::Application] {
        rows.extend(latencies(&filled, &classes, scope)?);
    }
    rows.extend(costs(&filled));
    rows.extend(beside::measure(plan, &filled, &talk, &classes)?);
    rows.push(misses::measure(plan, &filled, &talk)?);
    Ok(rows)
}

fn latencies(filled: &Filled, classes: &[Class], scope: Scope) -> anyhow::Result<Vec<Row>> {
    let (mut all, mut of_classes) = (Latencies::default(), Vec::new());
    for class in classes {
        let found = filled.ask(&class.queries, scope)?;
        eprintln!("    {scope}, {}: {:.3} ms", class.name, found.median());
        of_classes.push(Row::reported(
            &format!("the same, {}", class.name),
            Unit::Milliseconds,
            found.median(),
            found.to_string(),
        ));
        all.append(found);
    }
    let messages = thousands(filled.messages as f64);
    let (at_least, goal) = median_bound(scope);
    let mut rows = vec![
        Row::held(
            &format!("search {scope} of {messages} messages, median"),
            Unit::Milliseconds,
            all.median(),
            Bound::low(at_least, goal),
            all.to_string(),
        ),
        Row::held(
            &format!("search {scope}, p99"),
            Unit::Milliseconds,
            all.p99(),
            Bound::low(P99_MEDIANS * at_least, P99_MEDIANS * goal),
            format!(
                "{:.1} times the median measured; held to {P99_MEDIANS} times the one asked for",
                all.p99() / all.median()
            ),
        ),
    ];
    rows.extend(of_classes);
    Ok(rows)
}

fn costs(filled: &Filled) -> Vec<Row> {
    vec![
        Row::held(
            "index on disk, against the bytes of the bodies",
            Unit::Ratio,
            filled.index_share(),
            Bound::low(3.0, 3.0),
            filled.disk_note(),
        ),
        Row::reported(
            "memory after the fill: RssAnon",
            Unit::Mebibytes,
            filled.idle_mebibytes,
            filled.memory_note(),
        ),
        Row::reported(
            "until the index has everything, after the last answer of the fill",
            Unit::Milliseconds,
            filled.left.as_secs_f64() * 1_000.0,
            "its list of segments was written last, by a commit or a merge; a search finds everything before, in index and tail"
                .to_owned(),
        ),
    ]
}
