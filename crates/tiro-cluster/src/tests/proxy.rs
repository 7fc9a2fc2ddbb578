//! Stands between an engine and MySQL: writes down what is asked, and cuts connections where a test wants it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the next COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// The connection breaks before it arrives.
    LoseCommit,
    /// The connection breaks when it is answered.
    LoseAnswer,
    /// The same, and from then on nobody is let in.
    LoseAnswerAndAll,
}

#[derive(Default)]
struct State {
    fault: Fault,
    is_away: bool,
    /// One text for each packet.
    asked: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Proxy {
    state: Arc<Mutex<State>>,
    port: u16,
}

impl Proxy {
    pub(super) async fn start(mysql: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a port is bound").port();
        let state = Arc::<Mutex<State>>::default();
        let of_task = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if of_task.lock().is_away {
                    continue;
                }
                let server = TcpStream::connect(&mysql).await.expect("MySQL is there");
                tokio::spawn(pass(client, server, Arc::clone(&of_task)));
            }
        });
        Proxy { state, port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn next(&self, fault: Fault) {
        self.state.lock().fault = fault;
    }

    /// What was asked since this was called last, a text for each packet.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().asked)
    }
}

async fn pass(client: TcpStream, server: TcpStream, state: Arc<Mutex<State>>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (swallow, swallowing) = watch::channel(false);
    // Either end ends both: a cut connection is cut on both sides.
    tokio::select! {
        () = ask(from_client, to_server, state, swallow) => {}
        () = answer(from_server, to_client, swallowing) => {}
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: Arc<Mutex<State>>,
    swallow: watch::Sender<bool>,
) {
    let mut unread = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        unread.extend_from_slice(&chunk[..read]);
        while let Some(packet) = take_packet(&mut unread) {
            let text = question(&packet);
            let fault = text
                .as_deref()
                .map_or(Fault::None, |text| state.lock().note(text));
            match fault {
                Fault::None => {}
                Fault::LoseCommit => return,
                Fault::LoseAnswer | Fault::LoseAnswerAndAll => {
                    swallow.send_replace(true);
                }
            }
            if to.write_all(&packet).await.is_err() {
                return;
            }
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallowing: watch::Receiver<bool>) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        if *swallowing.borrow() || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

impl State {
    fn note(&mut self, text: &str) -> Fault {
        self.asked.push(text.to_owned());
        if !text.contains("COMMIT") {
            return Fault::None;
        }
        let fault = std::mem::take(&mut self.fault);
        self.is_away |= fault == Fault::LoseAnswerAndAll;
        fault
    }
}

/// The next whole packet with its header.
fn take_packet(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let header: [u8; 3] = unread.get(..3)?.try_into().ok()?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize + 4;
    (unread.len() >= length).then(|| unread.drain(..length).collect())
}

/// The statements of a packet that has some: a query, or what is to be prepared.
fn question(packet: &[u8]) -> Option<String> {
    let (sequence, command, text) = (packet.get(3)?, packet.get(4)?, packet.get(5..)?);
    let asks = *sequence == 0 && matches!(*command, 0x03 | 0x16);
    asks.then(|| String::from_utf8_lossy(text).into_owned())
}
