//! A network that can be broken: what is between a client and a server, on a port of its own.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ends with the test.
pub(crate) struct Proxy {
    url: String,
    state: Arc<watch::Sender<State>>,
    accepts: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Connections that began at an earlier cut are cut.
    cuts: u32,
    /// What the server says is thrown away.
    mute: bool,
    /// Nobody is let in.
    away: bool,
    /// Connections so far.
    connections: u32,
}

impl Proxy {
    /// Before the server of a URL such as `amqp://user:password@host:port/path`.
    pub(crate) async fn start(url: &str) -> Proxy {
        let host = url
            .rsplit_once('@')
            .map_or_else(|| url.split_once("://").unwrap().1, |(_, host)| host);
        let server = host.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let url = url.replace(&server, &here);
        let state = Arc::new(watch::Sender::new(State::default()));
        let accepts = tokio::spawn(accept(listener, server, state.clone()));
        Proxy { url, state, accepts }
    }

    /// The server's URL with this proxy in place of the server.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts all connections that there are; new ones are let through.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.mute = false;
        });
    }

    /// Cuts all connections, and lets nobody in until [`Proxy::come_back`].
    pub(crate) fn go_away(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.away = true;
        });
    }

    pub(crate) fn come_back(&self) {
        self.state.send_modify(|state| state.away = false);
    }

    /// Throws away what the server says, until the cut.
    pub(crate) fn mute(&self) {
        self.state.send_modify(|state| state.mute = true);
    }

    /// Waits until so many connections were made.
    pub(crate) async fn connected(&self, connections: u32) {
        let mut state = self.state.subscribe();
        state
            .wait_for(|state| state.connections >= connections)
            .await
            .unwrap();
    }

    pub(crate) fn connections(&self) -> u32 {
        self.state.borrow().connections
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.borrow().away {
            continue;
        }
        let Ok(server) = TcpStream::connect(&server).await else {
            continue;
        };
        state.send_modify(|state| state.connections += 1);
        tokio::spawn(carry(client, server, state.subscribe()));
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut state: watch::Receiver<State>) {
    let began = state.borrow().cuts;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let says = state.clone();
    tokio::select! {
        () = pass(from_client, to_server, || false) => {}
        () = pass(from_server, to_client, move || says.borrow().mute) => {}
        _ = state.wait_for(|state| state.cuts > began) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, thrown_away: impl Fn() -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if !thrown_away() && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
