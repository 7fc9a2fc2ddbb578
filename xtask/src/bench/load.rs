//! The load: a number of connections, each sending its next request as soon as the last one is answered.
//!
//! It shares the processor with the server, so it does as little as possible: requests are bytes made beforehand,
//! answers are only counted. One thread drives all connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http::exchange;
use super::requests::{KeyedRequest, Requests};

/// What is sent, how and for how long.
pub(crate) struct Load {
    pub(crate) server: SocketAddr,
    pub(crate) requests: Arc<Requests>,
    pub(crate) connections: usize,
    /// The status of every answer; another one ends the measurement, since refusals are quick and prove nothing.
    pub(crate) status: u16,
    /// How long it lasts, of which the first tenth is not counted.
    pub(crate) lasts: Duration,
}

/// What came of it.
pub(crate) struct Counted {
    /// Answers per second.
    pub(crate) rate: f64,
    /// The time that half of the answers, and 99 of 100, took at most.
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

/// The part of the time that is counted.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

impl Load {
    /// Runs it to its end.
    pub(crate) fn run(&self) -> anyhow::Result<Counted> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        runtime.block_on(self.drive_all())
    }

    async fn drive_all(&self) -> anyhow::Result<Counted> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let connection = TcpStream::connect(self.server).await.context("cannot connect")?;
            connection.set_nodelay(true)?;
            connections.push(connection);
        }
        let begun = Instant::now();
        let window = Window {
            begin: begun + self.lasts / 10,
            end: begun + self.lasts,
        };
        let mut tasks = JoinSet::new();
        for (index, connection) in connections.into_iter().enumerate() {
            let first = index * self.requests.len() / self.connections;
            tasks.spawn(drive(
                connection,
                Arc::clone(&self.requests),
                first,
                self.status,
                window,
            ));
        }
        let mut times_us = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            times_us.extend(finished??);
        }
        count(times_us, window)
    }
}

/// The microseconds that each answer inside the window took.
async fn drive(
    mut connection: TcpStream,
    requests: Arc<Requests>,
    first: usize,
    status: u16,
    window: Window,
) -> anyhow::Result<Vec<u32>> {
    let mut times_us = Vec::new();
    let mut received = Vec::with_capacity(64 * 1024);
    let mut keyed = KeyedRequest::default();
    for next in first.. {
        let request = requests.get(next, &mut keyed);
        let sent = Instant::now();
        let answer = exchange(&mut connection, request, &mut received).await?;
        let answered = Instant::now();
        if answer.status != status {
            bail!(
                "expected status {status}, received {}",
                String::from_utf8_lossy(&received)
            );
        }
        if answered > window.end {
            break;
        }
        if answered >= window.begin {
            times_us.push(u32::try_from((answered - sent).as_micros())?);
        }
    }
    Ok(times_us)
}

fn count(mut times_us: Vec<u32>, window: Window) -> anyhow::Result<Counted> {
    times_us.sort_unstable();
    let at = |share: usize| times_us.get(times_us.len() * share / 100).copied();
    let (Some(median_us), Some(p99_us)) = (at(50), at(99)) else {
        bail!("not one answer came in time");
    };
    Ok(Counted {
        rate: times_us.len() as f64 / (window.end - window.begin).as_secs_f64(),
        median: Duration::from_micros(median_us.into()),
        p99: Duration::from_micros(p99_us.into()),
    })
}
