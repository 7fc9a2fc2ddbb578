//! A paced load: requests at fixed times, so that the server's pauses show as waiting and not as fewer requests.
//!
//! A request's time counts from when it was due, if its connection was still busy then, and else from when it was
//! sent: the timer's own lateness is not the server's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::net::TcpStream;

use super::http::exchange;
use super::load::{Counted, Span, Window, on_connections};
use super::requests::{KeyedRequest, Requests};

/// What is sent, how often and for how long.
#[derive(Clone)]
pub(crate) struct Paced {
    /// Connections are dealt out to them in turns.
    pub(crate) servers: Vec<SocketAddr>,
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
        let span = Span {
            lasts: self.lasts,
            uncounted: Duration::ZERO,
        };
        on_connections(
            &self.servers,
            self.connections as usize,
            span,
            |connection, index, window| drive(connection, self.clone(), index as u32, window),
        )
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
