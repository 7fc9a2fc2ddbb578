//! Every write searched for at once: 32 connections, each writes a message and searches for it with its next request.
//!
//! Each message has a word of its own. Now and then an earlier word is searched for again, which by then may have
//! moved from the tail into the index.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench::Plan;
use crate::bench::api::search_path;
use crate::bench::http::exchange;
use crate::bench::load::LATE_MAX;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{get, post};
use crate::bench::talk::Talk;

use super::filled::Filled;

const CONNECTIONS: usize = 32;
const WORD_CHARACTERS: usize = 14;
/// An earlier word is searched for after so many writes.
const EARLIER_EVERY: usize = 4;

/// Who writes and searches where.
struct Writer {
    server: SocketAddr,
    token: String,
    chats: usize,
    /// What stands before the word.
    texts: Arc<Vec<String>>,
    random: fastrand::Rng,
    end: Instant,
}

#[derive(Default)]
struct Counts {
    writes: usize,
    searches: usize,
    misses: usize,
    /// The server said that it cannot answer wholly: 503.
    refused: usize,
    worst: Duration,
}

pub(super) fn measure(plan: &Plan, filled: &Filled, talk: &Talk) -> anyhow::Result<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    eprintln!(
        "    every write searched for at once, {} s",
        plan.misses_last.as_secs()
    );
    let counts = runtime.block_on(async {
        let all = write_and_search(plan, filled, talk);
        let bounded = tokio::time::timeout(plan.misses_last + LATE_MAX, all).await;
        bounded.context("the server left a request unanswered")?
    })?;
    Ok(Row::held(
        "every write searched for at once, full load: misses",
        Unit::Count,
        counts.misses as f64,
        Bound::low(0.0, 0.0),
        format!(
            "{CONNECTIONS} connections, {} s, {} writes, {} searches, the slowest {:.1} ms; {} refused as behind (503)",
            plan.misses_last.as_secs(),
            thousands(counts.writes as f64),
            thousands(counts.searches as f64),
            counts.worst.as_secs_f64() * 1_000.0,
            counts.refused
        ),
    ))
}

async fn write_and_search(plan: &Plan, filled: &Filled, talk: &Talk) -> anyhow::Result<Counts> {
    let texts: Vec<String> = talk
        .said
        .iter()
        .take(1_000)
        .map(|said| said.body.clone())
        .collect();
    let (texts, end) = (Arc::new(texts), Instant::now() + plan.misses_last);
    let mut tasks = JoinSet::new();
    for seed in 0..CONNECTIONS {
        let writer = Writer {
            server: filled.server.address(),
            token: filled.token.clone(),
            chats: talk.chats,
            texts: Arc::clone(&texts),
            random: fastrand::Rng::with_seed(seed as u64),
            end,
        };
        tasks.spawn(writer.run());
    }
    let mut all = Counts::default();
    while let Some(finished) = tasks.join_next().await {
        let counts = finished??;
        all.writes += counts.writes;
        all.searches += counts.searches;
        all.misses += counts.misses;
        all.refused += counts.refused;
        all.worst = all.worst.max(counts.worst);
    }
    Ok(all)
}

impl Writer {
    async fn run(mut self) -> anyhow::Result<Counts> {
        let mut connection = TcpStream::connect(self.server).await.context("cannot connect")?;
        connection.set_nodelay(true)?;
        let (mut received, mut counts) = (Vec::new(), Counts::default());
        let mut written: Vec<(usize, String)> = Vec::new();
        while Instant::now() < self.end {
            let chat = self.random.usize(1..=self.chats);
            let word: String = std::iter::repeat_with(|| self.random.lowercase())
                .take(WORD_CHARACTERS)
                .collect();
            let body = format!("{} {word}", self.random.choice(&*self.texts).context("no texts")?);
            let path = format!("/v1/applications/{}/chats/{chat}/messages", self.token);
            let create = post(&path, &json!({"body": body}).to_string());
            let answer = exchange(&mut connection, &create, &mut received).await?;
            if answer.status != 201 {
                bail!(
                    "a create expected status 201, received {}",
                    String::from_utf8_lossy(&received)
                );
            }
            counts.writes += 1;
            written.push((chat, word));
            let mut places = vec![written.len() - 1];
            if written.len().is_multiple_of(EARLIER_EVERY) {
                places.push(self.random.usize(0..written.len()));
            }
            for place in places {
                let in_chat = self.random.bool();
                let (chat, word) = &written[place];
                let search = get(&search_path(&self.token, in_chat.then_some(*chat), word));
                let sent = Instant::now();
                let answer = exchange(&mut connection, &search, &mut received).await?;
                counts.worst = counts.worst.max(sent.elapsed());
                counts.take(answer.status, &received[answer.head_bytes..], word)?;
            }
        }
        Ok(counts)
    }
}

impl Counts {
    /// An answer names a word only in a body that has it.
    fn take(&mut self, status: u16, body: &[u8], word: &str) -> anyhow::Result<()> {
        self.searches += 1;
        match status {
            200 => {
                let found = body.windows(word.len()).any(|part| part == word.as_bytes());
                self.misses += usize::from(!found);
            }
            503 => self.refused += 1,
            _ => bail!("a search answered {status}: {}", String::from_utf8_lossy(body)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_the_word_is_a_miss_and_a_refusal_is_none() {
        let mut counts = Counts::default();
        counts
            .take(200, br#"{"data":[{"body":"x needle"}]}"#, "needle")
            .unwrap();
        counts.take(503, b"{}", "needle").unwrap();
        assert_eq!((counts.searches, counts.misses, counts.refused), (2, 0, 1));
        counts.take(200, br#"{"data":[]}"#, "needle").unwrap();
        assert_eq!((counts.misses, counts.refused), (1, 1));
        assert!(counts.take(500, b"", "needle").is_err());
    }
}
