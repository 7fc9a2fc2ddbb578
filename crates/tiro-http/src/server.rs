//! The server: listens, accepts within bounds, carries connections, and stops without cutting an answer short.
//!
//! Every connection holds a permit of one semaphore, so that a full server accepts no more and an empty one is known.

mod accept;
mod activity;
mod connection;
mod watched;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tiro_core::Engine;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::{Config, Exposure};
use accept::Acceptor;

/// Connections that the system holds for the server until it accepts them, for each address.
const BACKLOG: u32 = 4_096;

/// What the connections are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Finish what is under way, take no more.
    Draining,
    /// Close at once.
    Cutting,
}

/// A server that listens already.
pub struct Server {
    app: App,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// Why a server cannot listen.
#[derive(Debug)]
pub enum BindError {
    /// No address was given.
    NoAddress,
    /// The address is open to other machines, and there is no key.
    Exposed(SocketAddr),
    /// The system refuses.
    Refused {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were closed although a request was under way on them; 0 after a clean stop.
    pub connections_cut: usize,
}

impl Server {
    /// Listens on every address of the configuration. Call it inside a Tokio runtime.
    ///
    /// # Errors
    /// [`BindError`], with the flag to change.
    pub fn bind(config: Config, engine: Arc<dyn Engine>) -> Result<Server, BindError> {
        if config.listen.is_empty() {
            return Err(BindError::NoAddress);
        }
        let guarded = config.operator_key.is_some() || config.exposure == Exposure::Open;
        if let Some(exposed) = config
            .listen
            .iter()
            .find(|address| !guarded && !address.ip().is_loopback())
        {
            return Err(BindError::Exposed(*exposed));
        }
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in &config.listen {
            let (listener, bound) = listen(*address).map_err(|source| BindError::Refused {
                address: *address,
                source,
            })?;
            listeners.push(listener);
            addresses.push(bound);
        }
        Ok(Server {
            app: App::new(config, engine),
            listeners,
            addresses,
        })
    }

    /// Where it listens, in the order of the configuration, with the ports that the system chose.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is ready; then answers what is under way, for at most
    /// [`crate::Transport::drain_timeout`].
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let connections_max = u32::try_from(self.app.config.transport.connections_max)
            .unwrap_or(u32::MAX)
            .max(1);
        let permits = Arc::new(Semaphore::new(connections_max as usize));
        let (phase, follow) = watch::channel(Phase::Serving);
        let mut acceptors = JoinSet::new();
        for listener in self.listeners {
            let router = crate::router(&self.app);
            let acceptor = Acceptor::new(self.app.clone(), router, permits.clone(), follow.clone());
            acceptors.spawn(acceptor.run(listener));
        }
        shutdown.await;
        self.app.stopping.send_replace(true);
        phase.send_replace(Phase::Draining);
        while let Some(ended) = acceptors.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener ended early");
            }
        }
        // Each connection gives its permit back when it ends.
        let all_ended = permits.acquire_many(connections_max);
        let connections_cut =
            match tokio::time::timeout(self.app.config.transport.drain_timeout, all_ended).await {
                Ok(_) => 0,
                Err(_) => connections_max as usize - permits.available_permits(),
            };
        phase.send_replace(Phase::Cutting);
        Stopped { connections_cut }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A server that starts again must not wait for the old one's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::NoAddress => {
                f.write_str("there is no address to listen on: give one with --listen ADDR:PORT")
            }
            BindError::Exposed(address) => write!(
                f,
                "refusing to listen on {address} without an operator key: everybody who reaches it could read and \
                 delete everything. Set a key with --operator-key KEY (or TIRO_OPERATOR_KEY), or listen on this \
                 machine alone with --listen 127.0.0.1:{port}, or take the risk with --open",
                port = address.port()
            ),
            BindError::Refused { address, source } if source.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "cannot listen on {address}: another program does already; choose another address with --listen"
            ),
            BindError::Refused { address, source } => {
                write!(
                    f,
                    "cannot listen on {address}: {source}; choose another address with --listen"
                )
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BindError::Refused { source, .. } => Some(source),
            BindError::NoAddress | BindError::Exposed(_) => None,
        }
    }
}
