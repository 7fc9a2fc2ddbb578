//! What a POST costs that does nothing: from a server in this process that only echoes, and from Tiro itself.
//!
//! The first is the machine: loopback, wake-ups and this load. Tiro's own are a POST refused by its media type before
//! the body is looked at, and a create that is read and parsed as a whole and refused for a member too many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::bench::load::Load;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, get, post};
use crate::bench::server::Server;
use crate::bench::{CONNECTIONS, Plan, compare};

/// Different requests; they are sent in turns.
const REQUESTS: usize = 5_000;
/// Most bytes of a request that the machine's server takes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// As long as the answer to a create.
const ANSWER: &[u8] =
    b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 160\r\n\r\n\
    ................................................................................\
    ................................................................................";

const MACHINE: &str = "machine";
const HEALTHZ: &str = "/healthz";
const EARLY: &str = "refused early";
const PARSED: &str = "parsed and refused";

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, 1)?;
    let path = format!("/v1/applications/{token}/chats/1/messages");
    let creates = plan.messages(REQUESTS);
    let requests =
        |make: &dyn Fn(&String) -> Vec<u8>| Arc::new(Requests::plain(creates.iter().map(make).collect()));
    let plain = requests(&|create| post(&path, create));
    let early = requests(&|create| as_text(post(&path, create)));
    let parsed = requests(&|create| post(&path, &create.replacen('{', r#"{"refused":1,"#, 1)));
    let healthz = Arc::new(Requests::plain(vec![get("/healthz")]));

    let echo = Echo::start()?;
    let at_machine = || {
        let load = Load {
            servers: vec![echo.address],
            requests: Arc::clone(&plain),
            connections: CONNECTIONS,
            status: 201,
            lasts: plan.lasts,
        };
        Ok(load.run()?.rate)
    };
    let rounds = compare::in_turns(
        plan.rounds,
        &mut [
            (MACHINE, Box::new(at_machine)),
            (HEALTHZ, Box::new(|| plan.rate(&server, &healthz, 200))),
            (EARLY, Box::new(|| plan.rate(&server, &early, 415))),
            (PARSED, Box::new(|| plan.rate(&server, &parsed, 422))),
        ],
    )?;
    let ratio = |what: &str, of: &str, to: &str| {
        let note = format!(
            "{of} {}/s, {to} {}/s, medians",
            thousands(rounds.median(of)),
            thousands(rounds.median(to))
        );
        Row::reported(what, Unit::Ratio, rounds.ratio(of, to), note)
    };
    Ok(vec![
        Row::reported(
            "the machine's no-op POST: an echo on loopback",
            Unit::PerSecond,
            rounds.median(MACHINE),
            format!(
                "{CONNECTIONS} connections, one thread that answers and one that asks; no HTTP beyond the length"
            ),
        ),
        ratio("/healthz, against the machine's no-op POST", HEALTHZ, MACHINE),
        ratio(
            "a POST refused by its media type, against /healthz",
            EARLY,
            HEALTHZ,
        ),
        ratio(
            "a create parsed whole and refused, against /healthz",
            PARSED,
            HEALTHZ,
        ),
    ])
}

/// The request with a media type that no route takes.
fn as_text(request: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(request).expect("a request is text");
    text.replacen("application/json", "text/css", 1).into_bytes()
}

/// The server that does nothing, on a thread of its own; it ends when this is dropped.
struct Echo {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Echo {
    fn start() -> anyhow::Result<Echo> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("echo".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    failed = serve(&listener) => eprintln!("the echo ended: {failed:?}"),
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Echo { address, _stop: stop })
    }
}

async fn serve(listener: &TcpListener) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (connection, _) = accepted?;
                connection.set_nodelay(true)?;
                connections.spawn(answer(connection));
            }
            Some(ended) = connections.join_next() => ended??,
        }
    }
}

async fn answer(mut connection: TcpStream) -> anyhow::Result<()> {
    let mut received = Vec::with_capacity(REQUEST_BYTES_MAX);
    loop {
        if connection.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        if request_bytes(&received)?.is_some_and(|bytes| bytes <= received.len()) {
            received.clear();
            connection.write_all(ANSWER).await?;
        }
        anyhow::ensure!(received.len() < REQUEST_BYTES_MAX, "a request is too large");
    }
}

/// The length of the request that begins here, once its head is there.
fn request_bytes(received: &[u8]) -> anyhow::Result<Option<usize>> {
    const LENGTH: &str = "Content-Length: ";
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let length = head.split("\r\n").find_map(|line| line.strip_prefix(LENGTH));
    let length: usize = length.context("a request without a length")?.parse()?;
    Ok(Some(end + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_answers_a_request_with_its_last_byte() {
        let request = post("/a", "{}");
        for end in 0..request.len() {
            let known = request_bytes(&request[..end]).unwrap();
            assert!(known.is_none_or(|bytes| bytes == request.len()), "{end}");
        }
        assert_eq!(request_bytes(&request).unwrap(), Some(request.len()));
        assert!(request_bytes(&get("/a")).is_err());
    }
}
