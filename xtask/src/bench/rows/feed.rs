//! The feed of an application of two million changes, read from its beginning over one connection.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use tokio::net::TcpStream;

use crate::bench::Plan;
use crate::bench::api::batch_body;
use crate::bench::compare::median;
use crate::bench::http::exchange;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{get, post};
use crate::bench::series::Series;
use crate::bench::server::Server;

const CHATS: usize = 100;
const BATCH_MESSAGES: usize = 1_000;
/// Different batches; each chat gets many of them.
const BATCHES: usize = 32;
const FILLING_CONNECTIONS: usize = 4;
const PAGE_ENTRIES: usize = 1_000;

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, CHATS)?;
    fill(plan, &server, &token)?;
    server.process().wait_until_idle()?;
    let changes = 1 + CHATS + plan.feed_messages;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut rates = Vec::new();
    let mut bytes = 0;
    for round in 1..=plan.rounds {
        let begun = Instant::now();
        bytes = runtime.block_on(page_through(&server, &token, changes))?;
        let rate = changes as f64 / begun.elapsed().as_secs_f64();
        eprintln!("    round {round} of {}: {}/s", plan.rounds, thousands(rate));
        rates.push(rate);
    }
    let worst = rates.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(vec![Row::held(
        &format!(
            "paging a feed of {} changes from the start",
            thousands(changes as f64)
        ),
        Unit::PerSecond,
        median(rates),
        Bound::high(100_000.0, 200_000.0),
        format!(
            "entries on one connection, pages of {PAGE_ENTRIES}, {:.0} MiB of JSON; median of {}, worst {}/s",
            bytes as f64 / (1_024.0 * 1_024.0),
            plan.rounds,
            thousands(worst)
        ),
    )])
}

fn fill(plan: &Plan, server: &Server, token: &str) -> anyhow::Result<()> {
    let texts = plan.messages(BATCHES * BATCH_MESSAGES);
    let bodies: Vec<String> = texts.chunks(BATCH_MESSAGES).map(batch_body).collect();
    let path = format!("/v1/applications/{token}/chats");
    let make = move |place: usize| {
        let path = format!("{path}/{}/messages/batch", place % CHATS + 1);
        post(&path, &bodies[place % BATCHES])
    };
    let series = Series {
        server: server.address(),
        make: Arc::new(make),
        count: plan.feed_messages / BATCH_MESSAGES,
        connections: FILLING_CONNECTIONS,
        status: 201,
        name: format!("{} messages", thousands(plan.feed_messages as f64)),
    };
    series.run()?;
    Ok(())
}

/// Reads so many entries; answers the bytes of the answers.
async fn page_through(server: &Server, token: &str, changes: usize) -> anyhow::Result<usize> {
    let path = format!("/v1/applications/{token}/changes?limit={PAGE_ENTRIES}");
    let mut connection = TcpStream::connect(server.address()).await?;
    connection.set_nodelay(true)?;
    let mut received = Vec::with_capacity(1024 * 1024);
    let (mut bytes, mut pages, mut after) = (0, 0, String::new());
    loop {
        let answer = exchange(&mut connection, &get(&format!("{path}{after}")), &mut received).await?;
        ensure!(
            answer.status == 200,
            "a page was refused: {}",
            String::from_utf8_lossy(&received)
        );
        bytes += answer.bytes;
        pages += 1;
        let next = next(&received).context("a page without a next")?;
        let position: usize = next.rsplit('.').next().unwrap_or_default().parse()?;
        if position >= changes {
            ensure!(pages >= changes / PAGE_ENTRIES, "entries are missing");
            return Ok(bytes);
        }
        after = format!("&after={next}");
    }
}

/// The `next` of a page, which stands behind the entries.
fn next(page: &[u8]) -> Option<&str> {
    const MARK: &[u8] = b",\"next\":\"";
    let at = page.windows(MARK.len()).rposition(|some| some == MARK)? + MARK.len();
    let text = str::from_utf8(&page[at..]).ok()?;
    text.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_of_a_page_is_the_last_one_in_it() {
        let page = br#"{"data":[{"body":",\"next\":\"no"}],"has_more":true,"next":"abc.7","as_of":"abc.9"}"#;
        assert_eq!(next(page), Some("abc.7"));
        assert_eq!(next(b"{}"), None);
    }
}
