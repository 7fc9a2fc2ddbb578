//! A network that can be broken: what is between a client and a server, on a loopback port of its own.
//!
//! A [`Fault`] holds for connections that there are and for new ones, until it is healed; what a stall held back goes on
//! then, as after a network that was away for a while.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::address::{at_port, host_and_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const CHUNK_BYTES: usize = 64 * 1024;

/// What is wrong with the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Connections end, and new ones end at once: nobody is there.
    Refuse,
    /// Every chunk of bytes takes so long, each way.
    Latency(Duration),
    /// What the server says does not arrive, although it hears everything.
    StallAnswers,
    /// What the client says does not arrive, although it would hear everything.
    StallQuestions,
    /// Each connection breaks when the client has said so many bytes more, wherever in a packet that is.
    CutAfter(usize),
}

/// The way through which something of a connection goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Question,
    Answer,
}

#[derive(Clone, Copy, Default)]
struct State {
    fault: Fault,
    /// Connections that began at an earlier cut are cut.
    cuts: u32,
    /// Connections that began at an earlier one carry nothing.
    forgettings: u32,
    /// Connections so far.
    connections: u32,
    /// Those and whoever was refused.
    attempts: u32,
}

/// What had happened when a connection began.
#[derive(Clone, Copy, Default)]
struct Born {
    cuts: u32,
    forgettings: u32,
}

/// A proxy in front of one server. Ends when dropped, and its connections with it.
pub struct Proxy {
    url: String,
    /// `host:port`. Nothing else is locked or awaited while it is held.
    server: Arc<Mutex<String>>,
    state: Arc<watch::Sender<State>>,
    accepts: JoinHandle<()>,
}

impl Proxy {
    /// Before the server of a URL such as `amqp://user:password@host:port/path`.
    ///
    /// # Panics
    /// Without a host and port in the URL, and where no port is free.
    pub async fn start(url: &str) -> Proxy {
        let server = host_and_port(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let here = listener.local_addr().expect("a port is bound").port();
        let url = at_port(url, here);
        let state = Arc::new(watch::Sender::new(State::default()));
        let server = Arc::new(Mutex::new(server));
        let accepts = tokio::spawn(accept(listener, Arc::clone(&server), Arc::clone(&state)));
        Proxy {
            url,
            server,
            state,
            accepts,
        }
    }

    /// The server's URL with this proxy in place of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on this is wrong; [`Fault::None`] heals.
    pub fn set(&self, fault: Fault) {
        self.state.send_modify(|state| state.fault = fault);
    }

    /// Resets all connections that there are, and heals: new ones are let through.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.fault = Fault::None;
        });
    }

    /// Connections that there are carry nothing any more and do not end, as when what is between forgot them; new ones are let
    /// through.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.forgettings += 1);
    }

    /// New connections go to another server, `host:port`; those that there are stay where they are.
    ///
    /// # Panics
    /// When a task of the proxy panicked.
    pub fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.server.lock().expect("nobody panics with the address"));
    }

    /// Waits until so many connections were made.
    pub async fn connected(&self, connections: u32) {
        let mut state = self.state.subscribe();
        let reached = state.wait_for(|state| state.connections >= connections).await;
        drop(reached.expect("the proxy is there"));
    }

    /// How often somebody connected so far, also in vain.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.state.borrow().attempts
    }

    /// Connections that were made so far.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.state.borrow().connections
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.state.send_modify(|state| state.cuts += 1);
    }
}

async fn accept(listener: TcpListener, server: Arc<Mutex<String>>, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        state.send_modify(|state| state.attempts += 1);
        if state.borrow().fault == Fault::Refuse {
            continue;
        }
        let server = server.lock().expect("nobody panics with the address").clone();
        // A server that is away refuses whoever asks for it here.
        let Ok(server) = TcpStream::connect(&server).await else {
            continue;
        };
        let mut born = Born::default();
        state.send_modify(|state| {
            state.connections += 1;
            born = Born {
                cuts: state.cuts,
                forgettings: state.forgettings,
            };
        });
        tokio::spawn(carry(client, server, born, state.subscribe()));
    }
}

/// Carries what is said until an end, or a cut that is later.
async fn carry(client: TcpStream, server: TcpStream, born: Born, mut state: watch::Receiver<State>) {
    // Small packets wait for nobody: a proxy must not be slower than what it stands for.
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass((from_client, to_server), Way::Question, born, state.clone()) => {}
        () = pass((from_server, to_client), Way::Answer, born, state.clone()) => {}
        _ = state.wait_for(|state| state.is_over(born)) => {}
    }
}

async fn pass(
    (mut from, mut to): (OwnedReadHalf, OwnedWriteHalf),
    way: Way,
    born: Born,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; CHUNK_BYTES];
    let mut said_since_fault = 0;
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let goes_on = |state: &State| state.is_over(born) || !state.holds_back(way, born);
        let fault = match state.wait_for(goes_on).await {
            // A cut heals too: what was held back until then is lost with its connection.
            Ok(now) if now.is_over(born) => return,
            Ok(now) => now.fault,
            Err(_) => return,
        };
        let mut passed = read;
        match (fault, way) {
            (Fault::Latency(time), _) => sleep(time).await,
            (Fault::CutAfter(bytes), Way::Question) => {
                passed = read.min(bytes.saturating_sub(said_since_fault));
                said_since_fault += read;
            }
            _ => said_since_fault = 0,
        }
        if to.write_all(&bytes[..passed]).await.is_err() || passed < read {
            return;
        }
    }
}

impl State {
    fn is_over(&self, born: Born) -> bool {
        self.cuts > born.cuts || self.fault == Fault::Refuse
    }

    fn holds_back(&self, way: Way, born: Born) -> bool {
        self.fault.stalls(way) || self.forgettings > born.forgettings
    }
}

impl Fault {
    fn stalls(self, way: Way) -> bool {
        match self {
            Fault::StallAnswers => way == Way::Answer,
            Fault::StallQuestions => way == Way::Question,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that says everything back, a proxy before it, and a client.
    async fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        let proxy = Proxy::start(&format!("echo://somebody@{server}/place")).await;
        assert!(proxy.url().ends_with("/place"));
        let client = connect(&proxy).await;
        (proxy, client)
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        let address = proxy.url().strip_prefix("echo://somebody@").unwrap();
        TcpStream::connect(address.strip_suffix("/place").unwrap())
            .await
            .unwrap()
    }

    async fn say(client: &mut TcpStream, text: &[u8]) {
        client.write_all(text).await.unwrap();
    }

    /// What comes back until the connection ends, or until so many bytes.
    async fn hear(client: &mut TcpStream, bytes: usize) -> Vec<u8> {
        let mut heard = vec![0; bytes];
        let mut count = 0;
        while count < bytes {
            match timeout(PATIENCE, client.read(&mut heard[count..])).await.unwrap() {
                Ok(read @ 1..) => count += read,
                Ok(0) | Err(_) => break,
            }
        }
        heard.truncate(count);
        heard
    }

    #[tokio::test]
    async fn what_is_said_passes_and_a_cut_ends_what_there_is_only() {
        let (proxy, mut client) = echo().await;
        say(&mut client, b"hello").await;
        assert_eq!(hear(&mut client, 5).await, b"hello");
        proxy.cut();
        assert_eq!(hear(&mut client, 1).await, b"");
        let mut next = connect(&proxy).await;
        say(&mut next, b"again").await;
        assert_eq!(hear(&mut next, 5).await, b"again");
        proxy.set(Fault::Refuse);
        assert_eq!(hear(&mut connect(&proxy).await, 1).await, b"");
        assert_eq!((proxy.connections(), proxy.attempts()), (2, 3));
    }

    #[tokio::test]
    async fn a_forgotten_connection_carries_nothing_and_does_not_end_until_it_is_cut() {
        let (proxy, mut client) = echo().await;
        say(&mut client, b"hello").await;
        assert_eq!(hear(&mut client, 5).await, b"hello");
        proxy.forget();
        say(&mut client, b"again").await;
        let heard = timeout(SOON, client.peek(&mut [0])).await;
        assert!(heard.is_err(), "{heard:?}");
        let mut next = connect(&proxy).await;
        say(&mut next, b"again").await;
        assert_eq!(hear(&mut next, 5).await, b"again");
        proxy.cut();
        assert_eq!(hear(&mut client, 1).await, b"");
    }

    #[tokio::test]
    async fn new_connections_go_where_it_leads_to() {
        let (here, mut client) = echo().await;
        let (there, _client) = echo().await;
        let (_, address) = there.url().rsplit_once('@').unwrap();
        here.lead_to(address.strip_suffix("/place").unwrap());
        say(&mut client, b"hello").await;
        assert_eq!(hear(&mut client, 5).await, b"hello");
        assert_eq!(there.connections(), 1);
        let mut next = connect(&here).await;
        say(&mut next, b"again").await;
        assert_eq!(hear(&mut next, 5).await, b"again");
        assert_eq!(there.connections(), 2);
    }

    #[tokio::test]
    async fn a_stall_holds_back_and_lets_go_on_when_it_is_healed() {
        for fault in [Fault::StallAnswers, Fault::StallQuestions] {
            let (proxy, mut client) = echo().await;
            proxy.set(fault);
            say(&mut client, b"hello").await;
            let heard = timeout(SOON, client.peek(&mut [0])).await;
            assert!(heard.is_err(), "{fault:?}: {heard:?}");
            proxy.set(Fault::None);
            assert_eq!(hear(&mut client, 5).await, b"hello");
        }
    }

    #[tokio::test]
    async fn what_a_stall_held_back_is_lost_with_the_connection_that_is_cut() {
        for _ in 0..100 {
            let (proxy, mut client) = echo().await;
            proxy.set(Fault::StallAnswers);
            say(&mut client, b"hello").await;
            proxy.connected(1).await;
            proxy.cut();
            assert_eq!(hear(&mut client, 5).await, b"");
        }
    }

    #[tokio::test]
    async fn a_connection_is_cut_in_the_middle_of_what_is_said() {
        let (proxy, mut client) = echo().await;
        proxy.set(Fault::CutAfter(7));
        say(&mut client, b"hello").await;
        assert_eq!(hear(&mut client, 5).await, b"hello");
        say(&mut client, b"world").await;
        assert!(b"wo".starts_with(&hear(&mut client, 5).await));
    }

    #[tokio::test]
    async fn nobody_is_there_while_it_refuses_and_everything_is_slow_with_latency() {
        let (proxy, mut client) = echo().await;
        proxy.set(Fault::Refuse);
        assert_eq!(hear(&mut client, 1).await, b"");
        let mut refused = connect(&proxy).await;
        assert_eq!(hear(&mut refused, 1).await, b"");
        proxy.set(Fault::Latency(SOON));
        let mut slow = connect(&proxy).await;
        let begun = Instant::now();
        say(&mut slow, b"hello").await;
        assert_eq!(hear(&mut slow, 5).await, b"hello");
        let took = begun.elapsed();
        assert!(took >= 2 * SOON, "{took:?}");
    }
}
