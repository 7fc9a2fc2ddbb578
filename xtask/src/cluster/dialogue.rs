//! A short dialogue with a server on loopback: connect, say something, hear the answer or how it begins.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;

/// A server that is well answers in milliseconds; a busy one may take its time.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// More than any answer that is waited for.
const ANSWER_BYTES_MAX: u64 = 64 * 1_024;

/// Says `said` and hears the first `length` bytes of the answer.
pub(crate) fn hear(port: u16, said: &[u8], length: usize) -> anyhow::Result<Vec<u8>> {
    let mut stream = say(port, said)?;
    let mut heard = vec![0; length];
    stream
        .read_exact(&mut heard)
        .with_context(|| format!("127.0.0.1:{port} does not answer"))?;
    Ok(heard)
}

/// Says `said`, which asks for the end of the connection too, and hears all until then.
pub(crate) fn hear_all(port: u16, said: &[u8]) -> anyhow::Result<String> {
    let mut heard = Vec::new();
    say(port, said)?
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut heard)
        .with_context(|| format!("127.0.0.1:{port} does not answer"))?;
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

fn say(port: u16, said: &[u8]) -> anyhow::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, WAIT_MAX)
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(WAIT_MAX))?;
    stream.set_write_timeout(Some(WAIT_MAX))?;
    stream.write_all(said)?;
    Ok(stream)
}
