//! A series: a fixed number of requests, each made when it is sent, over a few connections.
//!
//! For filling a folder, and where the requests of a measurement do not fit into memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http::exchange;
use super::report::thousands;

/// A longer series has come to a stop.
const LASTS_MAX: Duration = Duration::from_secs(30 * 60);

/// Makes the request of a place in the series: 0, 1, 2 …
pub(crate) type Make = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// How many requests, and to whom.
pub(crate) struct Series {
    pub(crate) server: SocketAddr,
    pub(crate) make: Make,
    pub(crate) count: usize,
    pub(crate) connections: usize,
    /// The status of every answer; another one is an error.
    pub(crate) status: u16,
    /// What is said of the progress, every tenth of the way; nothing if empty.
    pub(crate) name: String,
}

impl Series {
    /// Sends all of them; answers how long that took, from the first request to the last answer.
    pub(crate) fn run(self) -> anyhow::Result<Duration> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let bounded = async { tokio::time::timeout(LASTS_MAX, self.send_all()).await };
        runtime
            .block_on(bounded)
            .with_context(|| format!("a series took more than {} s", LASTS_MAX.as_secs()))?
    }

    async fn send_all(self) -> anyhow::Result<Duration> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let connection = TcpStream::connect(self.server).await.context("cannot connect")?;
            connection.set_nodelay(true)?;
            connections.push(connection);
        }
        let (series, next) = (Arc::new(self), Arc::new(AtomicUsize::new(0)));
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for connection in connections {
            tasks.spawn(drive(connection, Arc::clone(&series), Arc::clone(&next)));
        }
        while let Some(finished) = tasks.join_next().await {
            finished??;
        }
        Ok(begun.elapsed())
    }

    fn tell(&self, place: usize) {
        let tenth = (self.count / 10).max(1);
        if !self.name.is_empty() && place > 0 && place.is_multiple_of(tenth) {
            eprintln!("    {}: {} %", self.name, place * 100 / self.count);
        }
    }
}

async fn drive(mut connection: TcpStream, series: Arc<Series>, next: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let mut received = Vec::with_capacity(64 * 1024);
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        if place >= series.count {
            return Ok(());
        }
        series.tell(place);
        let request = (series.make)(place);
        let answer = exchange(&mut connection, &request, &mut received).await?;
        if answer.status != series.status {
            bail!(
                "request {} expected status {}, received {}",
                thousands(place as f64),
                series.status,
                String::from_utf8_lossy(&received)
            );
        }
    }
}
