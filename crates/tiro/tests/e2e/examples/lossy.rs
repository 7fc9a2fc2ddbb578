//! A network that loses the first answer to each POST: the server has done it, and the client does not know.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// It is there until the test ends; each connection carries one request.
pub(super) struct LossyNetwork {
    /// `http://127.0.0.1:PORT`, in place of the server's.
    pub(super) address: String,
    lost: Arc<AtomicUsize>,
}

impl LossyNetwork {
    /// Before the server at `host:port`.
    pub(super) fn to(server: &str) -> LossyNetwork {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let lost = Arc::<AtomicUsize>::default();
        let (server, counter) = (server.to_owned(), Arc::clone(&lost));
        thread::spawn(move || {
            let seen = Arc::<Mutex<HashSet<String>>>::default();
            for client in listener.incoming() {
                let (server, seen, counter) = (server.clone(), Arc::clone(&seen), Arc::clone(&counter));
                thread::spawn(move || carry(client.unwrap(), &server, &seen, &counter));
            }
        });
        LossyNetwork { address, lost }
    }

    /// How many answers it lost so far.
    pub(super) fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Carries one request to the server and its answer back, unless the answer is to be lost.
fn carry(mut client: TcpStream, server: &str, seen: &Mutex<HashSet<String>>, lost: &AtomicUsize) {
    let Some(request) = one_request(&client) else {
        return;
    };
    let mut upstream = TcpStream::connect(server).unwrap();
    upstream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).unwrap();
    if request.starts_with("POST ") && seen.lock().unwrap().insert(request) {
        lost.fetch_add(1, Ordering::Relaxed);
        return;
    }
    client.write_all(&answer).unwrap();
}

/// The next request of a connection, changed so that the server closes it; `None` if the client closed it.
fn one_request(client: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    Some(format!("{head}Connection: close\r\n\r\n{body}"))
}
