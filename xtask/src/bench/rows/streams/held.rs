//! Streams that are open and of which nothing more is read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bench::requests::get;

/// What a server needs besides: its own files, and the connections of a load.
const OTHER_FILES: u64 = 2_000;
const BEGINS_WITHIN: Duration = Duration::from_secs(60);
/// What the first block of a stream has.
const BEGINNING: &[u8] = b"\nid: ";

/// Open streams; they end when this is dropped.
pub(super) struct Held(Vec<TcpStream>);

impl Held {
    /// Opens so many streams of one application and waits until each has begun.
    pub(super) fn open(server: SocketAddr, token: &str, count: usize) -> anyhow::Result<Held> {
        let request = get(&stream_path(token));
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = TcpStream::connect(server).context("cannot connect")?;
            stream.set_read_timeout(Some(BEGINS_WITHIN))?;
            stream.write_all(&request)?;
            streams.push(stream);
        }
        for stream in &mut streams {
            begun(stream)?;
        }
        Ok(Held(streams))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The path of a stream that begins now.
pub(super) fn stream_path(token: &str) -> String {
    format!("/v1/applications/{token}/changes/stream")
}

fn begun(stream: &mut TcpStream) -> anyhow::Result<()> {
    let (mut received, mut buffer) = (Vec::new(), [0; 1_024]);
    while !received.windows(BEGINNING.len()).any(|some| some == BEGINNING) {
        let read = stream.read(&mut buffer).context("a stream does not begin")?;
        if read == 0 {
            bail!("a stream was refused: {}", String::from_utf8_lossy(&received));
        }
        received.extend_from_slice(&buffer[..read]);
    }
    Ok(())
}

/// Lets this process and the servers that it starts hold so many connections.
pub(super) fn raise_the_limit_of_connections(streams: usize) -> anyhow::Result<()> {
    let needed = streams as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        bail!("the hard limit of open files is below {needed}: raise it with ulimit -Hn");
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("the limit of open files cannot be raised")
}
