//! A short dialogue with a server on loopback: connect, say something, hear how the answer begins.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;

/// A server that is well answers in milliseconds; a busy one may take its time.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Says `said` and hears the first `length` bytes of the answer.
pub(crate) fn hear(port: u16, said: &[u8], length: usize) -> anyhow::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, WAIT_MAX)
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(WAIT_MAX))?;
    stream.set_write_timeout(Some(WAIT_MAX))?;
    stream.write_all(said)?;
    let mut heard = vec![0; length];
    stream
        .read_exact(&mut heard)
        .with_context(|| format!("{address} does not answer"))?;
    Ok(heard)
}
