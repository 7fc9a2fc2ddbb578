//! A way to one of the systems that a test can break: connections go through it until they are cut.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ends with the test.
pub(super) struct Link {
    url: String,
    state: Arc<watch::Sender<State>>,
    accepts: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Nobody gets through, and who was through is cut.
    is_cut: bool,
    /// What clients say is thrown away.
    is_deaf: bool,
}

impl Link {
    /// To the system of a URL such as `mysql://user:password@host:port/path`.
    pub(super) async fn to(url: &str) -> Link {
        let (_, place) = url.split_once('@').unwrap();
        let server = place.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url.replace(&server, &listener.local_addr().unwrap().to_string());
        let state = Arc::new(watch::Sender::new(State::default()));
        let accepts = tokio::spawn(accept(listener, server, state.clone()));
        Link { url, state, accepts }
    }

    /// The system's URL through this link.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// From now on the system is away.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.is_cut = true);
    }

    /// It is back.
    pub(super) fn heal(&self) {
        self.state.send_modify(|state| state.is_cut = false);
    }

    /// From now on the system hears nothing, though it is heard.
    pub(super) fn deafen(&self) {
        self.state.send_modify(|state| state.is_deaf = true);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.borrow().is_cut {
            continue;
        }
        if let Ok(server) = TcpStream::connect(&server).await {
            tokio::spawn(carry(client, server, state.subscribe()));
        }
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut state: watch::Receiver<State>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let heard = state.clone();
    tokio::select! {
        () = pass(from_client, to_server, move || heard.borrow().is_deaf) => {}
        () = pass(from_server, to_client, || false) => {}
        _ = state.wait_for(|state| state.is_cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_thrown_away: impl Fn() -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if !is_thrown_away() && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
