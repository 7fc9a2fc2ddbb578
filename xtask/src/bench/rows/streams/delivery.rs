//! From the acknowledgement of a create to its arrival in each of a hundred streams.
//!
//! One client creates a message at a time, as often as people do in a busy application; what came before its own
//! acknowledgement counts as 0.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::held::stream_path;
use crate::bench::Plan;
use crate::bench::http::exchange;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{get, post};
use crate::bench::server::Server;

const STREAMS: usize = 100;
/// Between two creates.
const PAUSE: Duration = Duration::from_millis(5);
/// What an event of a new message has, and no text of a message here.
const CREATED: &[u8] = b"\nevent: message.created\n";
const BEGINNING: &[u8] = b"\nid: ";
const LATE_MAX: Duration = Duration::from_secs(60);

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Row> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let creates = (plan.lasts.as_millis() / PAUSE.as_millis()) as usize;
    let bounded = async {
        let measured = deliveries(&server, &token, creates);
        tokio::time::timeout(4 * plan.lasts + LATE_MAX, measured).await
    };
    let mut waits = runtime
        .block_on(bounded)
        .context("a stream was not told in time")??;
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    Ok(Row::held(
        &format!("acknowledgement to delivery, {STREAMS} streams, median"),
        Unit::Milliseconds,
        at(50),
        Bound::low(5.0, 1.0),
        format!(
            "p99 {:.3} ms, worst {:.3} ms; {} creates, one every {} ms; the bench reads all streams with one thread",
            at(99),
            at(100),
            thousands(creates as f64),
            PAUSE.as_millis()
        ),
    ))
}

/// How long each stream waited for each message.
async fn deliveries(server: &Server, token: &str, creates: usize) -> anyhow::Result<Vec<Duration>> {
    let begun = Arc::new(Barrier::new(STREAMS + 1));
    let mut readers = JoinSet::new();
    for _ in 0..STREAMS {
        let connection = TcpStream::connect(server.address()).await?;
        readers.spawn(arrivals(
            connection,
            get(&stream_path(token)),
            creates,
            Arc::clone(&begun),
        ));
    }
    begun.wait().await;
    let acknowledged = create(server, token, creates).await?;
    let mut waits = Vec::with_capacity(STREAMS * creates);
    while let Some(arrived) = readers.join_next().await {
        let arrived = arrived??;
        waits.extend(
            arrived
                .iter()
                .zip(&acknowledged)
                .map(|(arrived, at)| arrived.saturating_duration_since(*at)),
        );
    }
    Ok(waits)
}

/// Creates so many messages; when each was acknowledged.
async fn create(server: &Server, token: &str, creates: usize) -> anyhow::Result<Vec<Instant>> {
    let mut connection = TcpStream::connect(server.address()).await?;
    connection.set_nodelay(true)?;
    let request = post(
        &format!("/v1/applications/{token}/chats/1/messages"),
        r#"{"body": "see you at nine"}"#,
    );
    let (mut acknowledged, mut received) = (Vec::with_capacity(creates), Vec::new());
    for _ in 0..creates {
        let answer = exchange(&mut connection, &request, &mut received).await?;
        acknowledged.push(Instant::now());
        if answer.status != 201 {
            bail!("a create was refused: {}", String::from_utf8_lossy(&received));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(acknowledged)
}

/// Reads a stream; when each message came.
async fn arrivals(
    mut connection: TcpStream,
    request: Vec<u8>,
    creates: usize,
    begun: Arc<Barrier>,
) -> anyhow::Result<Vec<Instant>> {
    connection.write_all(&request).await?;
    let mut received = Vec::with_capacity(64 * 1024);
    while take(&mut received, BEGINNING) == 0 {
        read(&mut connection, &mut received).await?;
    }
    begun.wait().await;
    let mut arrived = Vec::with_capacity(creates);
    while arrived.len() < creates {
        read(&mut connection, &mut received).await?;
        let now = Instant::now();
        let events = take(&mut received, CREATED);
        arrived.extend(std::iter::repeat_n(now, events));
    }
    Ok(arrived)
}

async fn read(connection: &mut TcpStream, received: &mut Vec<u8>) -> anyhow::Result<()> {
    match connection.read_buf(received).await? {
        0 => bail!("a stream ended: {}", String::from_utf8_lossy(received)),
        _ => Ok(()),
    }
}

/// How often a mark was received; keeps what may be the beginning of another.
fn take(received: &mut Vec<u8>, mark: &[u8]) -> usize {
    let (mut found, mut at) = (0, 0);
    while let Some(place) = received[at..].windows(mark.len()).position(|some| some == mark) {
        found += 1;
        at += place + mark.len();
    }
    let kept = at.max(received.len().saturating_sub(mark.len() - 1));
    received.drain(..kept);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_they_arrive() {
        let text =
            b"id: a.1\nevent: message.created\ndata: {}\n\nid: a.2\nevent: message.created\ndata: {}\n\n";
        for bytes in [1, 7, 30, 200] {
            let (mut received, mut found) = (Vec::new(), 0);
            for some in text.chunks(bytes) {
                received.extend_from_slice(some);
                found += take(&mut received, CREATED);
            }
            assert_eq!(found, 2, "{bytes}");
        }
    }
}
