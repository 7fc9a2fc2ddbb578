//! What a connection to RabbitMQ runs over: TCP, or TLS by the settings that all systems share.
//!
//! lapin brings TLS of its own, with other rules of what is trusted and a library for key files that is half of what it
//! compiles. It takes the stream from whatever runtime it is given; this one is tokio with another stream.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_compat::{Compat, CompatExt};
use async_rs::Tokio;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use futures_util::Stream;
use futures_util::io::{AsyncRead, AsyncWrite};
use tiro_outbound::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// TCP or TLS.
pub(super) trait Bytes: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Bytes for T {}

type Carried = Compat<Box<dyn Bytes>>;

/// Connects, and shakes hands where there are settings for it.
pub(super) async fn open(host: &str, port: u16, tls: Option<Arc<ClientConfig>>) -> io::Result<Carried> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(carried(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(carried(TlsConnector::from(tls).connect(name, stream).await?))
}

async fn in_clear(address: SocketAddr) -> io::Result<Carried> {
    Ok(carried(TcpStream::connect(address).await?))
}

fn carried(stream: impl Bytes + 'static) -> Carried {
    let stream: Box<dyn Bytes> = Box::new(stream);
    stream.compat()
}

/// tokio, for lapin.
#[derive(Clone, Debug)]
pub(super) struct Transport(Tokio);

impl Transport {
    pub(super) fn on(tokio: Tokio) -> Transport {
        Transport(tokio)
    }
}

impl RuntimeKit for Transport {}

impl Executor for Transport {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for Transport {
    type TcpStream = Carried;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    /// Not called, since [`open`] connects; without TLS, as its name says.
    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        in_clear(address)
    }
}
