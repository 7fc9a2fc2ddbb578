//! A way to MySQL on which one transaction can be halted between any two of its packets, or in the middle of one.
//!
//! A transaction is a few packets, each with several statements, and MySQL carries out a packet only when it has all of it. So
//! what a node can have done, sent and heard when it stops is one of the [`Place`]s.

use std::sync::{Arc, Mutex};

use tiro_conformance::address::{at_port, host_and_port, with_parameter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const CHUNK_BYTES: usize = 64 * 1024;
/// Of a packet: its length and its number.
const HEADER_BYTES: usize = 4;
/// The command of a packet that is statements.
const QUERY: u8 = 3;

/// Where a transaction is halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the transaction, from 0.
    pub(super) packet: usize,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// MySQL has nothing of the packet.
    Unsent,
    /// MySQL has half of it.
    HalfSent,
    /// MySQL has carried it out and answered, and nobody has heard it.
    Unheard,
    /// Half of the answer was heard.
    HalfHeard,
}

impl Stage {
    pub(super) const ALL: [Stage; 4] = [Stage::Unsent, Stage::HalfSent, Stage::Unheard, Stage::HalfHeard];
}

/// One transaction that is, or will be, halted.
#[derive(Clone)]
pub(super) struct Halt {
    place: Place,
    reached: Arc<watch::Sender<bool>>,
    released: Arc<watch::Sender<bool>>,
}

impl Halt {
    /// Waits until a transaction has come there.
    pub(super) async fn reached(&self) {
        drop(
            self.reached
                .subscribe()
                .wait_for(|reached| *reached)
                .await
                .unwrap(),
        );
    }

    /// Lets it go on.
    pub(super) fn release(&self) {
        self.released.send_replace(true);
    }

    async fn wait(&self) {
        self.reached.send_replace(true);
        drop(
            self.released
                .subscribe()
                .wait_for(|released| *released)
                .await
                .unwrap(),
        );
    }
}

#[derive(Default)]
struct State {
    halt: Option<Halt>,
    /// Packets of the last transaction that came to its end.
    packets: usize,
}

/// A proxy before one MySQL, which must not use TLS. Takes no new connections once it is dropped.
pub(super) struct Halting {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    accepts: JoinHandle<()>,
}

impl Halting {
    /// Before the server of a `mysql://user:password@host:port/database`.
    pub(super) async fn start(url: &str) -> Halting {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let (state, server) = (Arc::<Mutex<State>>::default(), host_and_port(url));
        let of_task = Arc::clone(&state);
        let accepts = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&of_task)));
            }
        });
        Halting {
            url: with_parameter(&at_port(url, here.port()), "ssl-mode", "DISABLED"),
            state,
            accepts,
        }
    }

    /// Halts the next transaction that comes there.
    pub(super) fn halt(&self, place: Place) -> Halt {
        let halt = Halt {
            place,
            reached: Arc::new(watch::Sender::new(false)),
            released: Arc::new(watch::Sender::new(false)),
        };
        self.state.lock().unwrap().halt = Some(halt.clone());
        halt
    }

    /// How many packets the last transaction had.
    pub(super) fn packets(&self) -> usize {
        self.state.lock().unwrap().packets
    }
}

impl Drop for Halting {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

/// Carries what is said until either end.
async fn carry(client: TcpStream, server: TcpStream, state: Arc<Mutex<State>>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let answers = Arc::<Mutex<Option<Halt>>>::default();
    tokio::select! {
        () = ask(from_client, to_server, state, Arc::clone(&answers)) => {}
        () = answer(from_server, to_client, answers) => {}
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: Arc<Mutex<State>>,
    answers: Arc<Mutex<Option<Halt>>>,
) {
    let (mut unread, mut chunk) = (Vec::new(), vec![0; CHUNK_BYTES]);
    // Of the transaction that this connection is in.
    let mut next = None;
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        unread.extend_from_slice(&chunk[..read]);
        while let Some(packet) = take_packet(&mut unread) {
            let halt = state.lock().unwrap().note(&packet, &mut next);
            let mut sent = 0;
            match halt.as_ref().map(|halt| (halt, halt.place.stage)) {
                Some((halt, Stage::Unsent)) => halt.wait().await,
                Some((halt, Stage::HalfSent)) => {
                    sent = packet.len() / 2;
                    if to.write_all(&packet[..sent]).await.is_err() {
                        return;
                    }
                    halt.wait().await;
                }
                Some((halt, Stage::Unheard | Stage::HalfHeard)) => {
                    *answers.lock().unwrap() = Some(halt.clone());
                }
                None => {}
            }
            if to.write_all(&packet[sent..]).await.is_err() {
                return;
            }
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, halted: Arc<Mutex<Option<Halt>>>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut heard = 0;
        let halt = halted.lock().unwrap().take();
        if let Some(halt) = halt {
            if halt.place.stage == Stage::HalfHeard {
                heard = read / 2;
                if to.write_all(&chunk[..heard]).await.is_err() {
                    return;
                }
            }
            halt.wait().await;
        }
        if to.write_all(&chunk[heard..read]).await.is_err() {
            return;
        }
    }
}

impl State {
    /// Counts the packets of a transaction; answers where this one is to be halted.
    fn note(&mut self, packet: &[u8], next: &mut Option<usize>) -> Option<Halt> {
        let statements = match packet.get(HEADER_BYTES..)? {
            [QUERY, statements @ ..] => String::from_utf8_lossy(statements),
            _ => return None,
        };
        if statements.starts_with("BEGIN") {
            *next = Some(0);
        }
        let number = (*next)?;
        *next = Some(number + 1);
        if statements.contains("COMMIT") || statements.starts_with("ROLLBACK") {
            self.packets = number + 1;
            *next = None;
        }
        self.halt.take_if(|halt| halt.place.packet == number)
    }
}

/// The next whole packet with its header.
fn take_packet(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let header: [u8; 3] = unread.get(..3)?.try_into().unwrap();
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize + HEADER_BYTES;
    (unread.len() >= length).then(|| unread.drain(..length).collect())
}
