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

/// How long after the end of a load its last answers may come.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(60);

/// What is sent, how and for how long.
pub(crate) struct Load {
    /// Connections are dealt out to them in turns.
    pub(crate) servers: Vec<SocketAddr>,
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
    /// The longest that one took.
    pub(crate) worst: Duration,
    /// When each answer came, in milliseconds after the beginning of what is counted; in no order.
    came_ms: Vec<u32>,
    lasted: Duration,
}

/// The part of the time that is counted.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

impl Load {
    /// Runs it to its end.
    pub(crate) fn run(&self) -> anyhow::Result<Counted> {
        let span = Span {
            lasts: self.lasts,
            uncounted: self.lasts / 10,
        };
        on_connections(
            &self.servers,
            self.connections,
            span,
            |connection, index, window| {
                let first = index * self.requests.len() / self.connections;
                drive(connection, Arc::clone(&self.requests), first, self.status, window)
            },
        )
    }
}

/// How long a load lasts, and how much of its beginning is not counted.
pub(super) struct Span {
    pub(super) lasts: Duration,
    pub(super) uncounted: Duration,
}

/// Opens the connections, dealt out to the servers in turns, drives them beside each other on this thread, and counts what all of them tell: when each
/// answer came, and how long it took.
///
/// # Errors
/// One could not be opened or driven, or an answer is missing a minute after the end.
pub(super) fn on_connections<Driven>(
    servers: &[SocketAddr],
    connections: usize,
    span: Span,
    drive: impl Fn(TcpStream, usize, Window) -> Driven,
) -> anyhow::Result<Counted>
where
    Driven: Future<Output = anyhow::Result<Vec<(Instant, Duration)>>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let all = async {
        let mut open = Vec::with_capacity(connections);
        for server in servers.iter().cycle().take(connections) {
            let connection = TcpStream::connect(*server).await.context("cannot connect")?;
            connection.set_nodelay(true)?;
            open.push(connection);
        }
        let begun = Instant::now();
        let window = Window {
            begin: begun + span.uncounted,
            end: begun + span.lasts,
        };
        let mut tasks = JoinSet::new();
        for (index, connection) in open.into_iter().enumerate() {
            tasks.spawn(drive(connection, index, window));
        }
        let mut answered = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            answered.extend(finished??);
        }
        Counted::of(answered, window)
    };
    runtime
        .block_on(async { tokio::time::timeout(span.lasts + LATE_MAX, all).await })
        .context("the server left a request unanswered")?
}

/// When each answer inside the window came, and how long it took.
async fn drive(
    mut connection: TcpStream,
    requests: Arc<Requests>,
    first: usize,
    status: u16,
    window: Window,
) -> anyhow::Result<Vec<(Instant, Duration)>> {
    let mut times = Vec::new();
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
            times.push((answered, answered - sent));
        }
    }
    Ok(times)
}

impl Counted {
    /// Of answers that came inside the window, and how long each took.
    ///
    /// # Errors
    /// There are none.
    pub(crate) fn of(answered: Vec<(Instant, Duration)>, window: Window) -> anyhow::Result<Counted> {
        let lasted = window.end - window.begin;
        let (came, mut took): (Vec<Instant>, Vec<Duration>) = answered.into_iter().unzip();
        took.sort_unstable();
        let at = |share: usize| took.get(took.len() * share / 100).copied();
        let (Some(median), Some(p99), Some(worst)) = (at(50), at(99), took.last().copied()) else {
            bail!("not one answer came in time");
        };
        let came_ms = |came: Instant| u32::try_from((came - window.begin).as_millis());
        Ok(Counted {
            rate: took.len() as f64 / lasted.as_secs_f64(),
            median,
            p99,
            worst,
            came_ms: came.into_iter().map(came_ms).collect::<Result<_, _>>()?,
            lasted,
        })
    }

    /// Answers per second in each whole span of this length, in order; what is left at the end is not counted.
    pub(crate) fn rates(&self, span: Duration) -> Vec<f64> {
        let spans = (self.lasted.as_millis() / span.as_millis()) as usize;
        let mut answers = vec![0_u32; spans];
        for came_ms in &self.came_ms {
            let index = (u128::from(*came_ms) / span.as_millis()) as usize;
            if let Some(count) = answers.get_mut(index) {
                *count += 1;
            }
        }
        let rate = |count| f64::from(count) / span.as_secs_f64();
        answers.into_iter().map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_in_whole_spans_and_by_how_long_they_took() {
        let begin = Instant::now();
        let window = Window {
            begin,
            end: begin + Duration::from_secs(5),
        };
        let at_ms = [100, 1_900, 2_000, 3_999, 4_500].map(|ms| begin + Duration::from_millis(ms));
        let answered = at_ms.into_iter().zip([3, 1, 2, 9, 4].map(Duration::from_millis));
        let counted = Counted::of(answered.collect(), window).unwrap();
        assert_eq!(counted.rates(Duration::from_secs(2)), [1.0, 1.0]);
        assert_eq!(counted.rate, 1.0);
        assert_eq!(counted.median, Duration::from_millis(3));
        assert_eq!(counted.worst, Duration::from_millis(9));
        assert!(Counted::of(Vec::new(), window).is_err());
    }
}
