//! A paced load: requests at fixed times, so that the server's pauses show as waiting and not as fewer requests.
//!
//! A request's time counts from when it was due, if its connection was still busy then, and else from when it was
//! sent: the timer's own lateness is not the server's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http::exchange;
use super::load::{Counted, LATE_MAX, Window};
use super::requests::{KeyedRequest, Requests};

/// What is sent, how often and for how long.
#[derive(Clone)]
pub(crate) struct Paced {
    pub(crate) server: SocketAddr,
    pub(crate) requests: Arc<Requests>,
    pub(crate) connections: u32,
    /// Requests of all connections together.
    pub(crate) per_second: u32,
    /// The status of every answer; another one ends the measurement.
    pub(crate) status: u16,
    pub(crate) lasts: Duration,
}

impl Paced {
    /// Runs it to its end.
    pub(crate) fn run(&self) -> anyhow::Result<Counted> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let bounded = async { tokio::time::timeout(self.lasts + LATE_MAX, self.drive_all()).await };
        runtime
            .block_on(bounded)
            .context("the server left a request unanswered")?
    }

    async fn drive_all(&self) -> anyhow::Result<Counted> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            let connection = TcpStream::connect(self.server).await.context("cannot connect")?;
            connection.set_nodelay(true)?;
            connections.push(connection);
        }
        let begin = Instant::now();
        let window = Window {
            begin,
            end: begin + self.lasts,
        };
        let mut tasks = JoinSet::new();
        for (index, connection) in (0..).zip(connections) {
            tasks.spawn(drive(connection, self.clone(), index, window));
        }
        let mut answered = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            answered.extend(finished??);
        }
        Counted::of(answered, window)
    }
}

async fn drive(
    mut connection: TcpStream,
    load: Paced,
    index: u32,
    window: Window,
) -> anyhow::Result<Vec<(Instant, Duration)>> {
    let mut answered = Vec::new();
    let mut received = Vec::with_capacity(64 * 1024);
    let mut keyed = KeyedRequest::default();
    let between = Duration::from_secs(1) * load.connections / load.per_second;
    let mut due = window.begin + between * index / load.connections;
    let first = index as usize * load.requests.len() / load.connections as usize;
    for next in first.. {
        if due >= window.end {
            break;
        }
        let free = Instant::now();
        tokio::time::sleep_until(due.into()).await;
        let from = if free > due { due } else { Instant::now() };
        let request = load.requests.get(next, &mut keyed);
        let answer = exchange(&mut connection, request, &mut received).await?;
        if answer.status != load.status {
            bail!(
                "expected status {}, received {}",
                load.status,
                String::from_utf8_lossy(&received)
            );
        }
        let now = Instant::now();
        answered.push((now, now - from));
        due += between;
    }
    Ok(answered)
}
