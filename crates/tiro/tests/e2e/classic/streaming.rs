//! Whole lists of a large chat, to clients that take their time.

use std::io::Read;
use std::net::TcpStream;

use serde_json::json;

use super::talk::{Answer, Service, get, post};
use super::text;
use crate::counts::count;
use crate::memory::anonymous_memory_mib;
use crate::support::{Tiro, temp_folder};

const BODY_BYTES: usize = 1_000;
const BATCH_MESSAGES: usize = 1_000;
const READERS: usize = 8;
/// What a reader takes before it is another one's turn.
const PIECE_BYTES: u64 = 256 * 1024;
/// Most memory beside what reading the chat page by page took; the lists have twice as much, or twenty times.
const GROWTH_MAX_MIB: u64 = 96;

#[test]
fn a_whole_list_streams_with_flat_memory_while_clients_read_slowly() {
    let messages = count(20_000, 200_000);
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let http = Service::of(&tiro);
    let shop = http.json(201, &post("/applications").json(&json!({ "name": "Shop" })));
    let chats = format!("/applications/{}/chats", text(&shop, "token"));
    http.send(201, &post(&*chats));
    let list = format!("{chats}/1/messages");
    fill(&http, &list, messages);
    // Caches fill before anything is measured.
    read_page_by_page(&http, &list, messages);
    let before = anonymous_memory_mib(tiro.process().id());
    let mut readers: Vec<Reader> = [Keeps::Everything]
        .into_iter()
        .chain(std::iter::repeat_with(|| Keeps::LastPiece))
        .take(READERS)
        .map(|keeps| Reader::asking(&http, &list, keeps))
        .collect();
    let highest = in_turns(&mut readers, || anonymous_memory_mib(tiro.process().id()));
    println!(
        "{messages} messages to {READERS} readers: {before} MiB before, at most {highest} MiB meanwhile"
    );
    assert!(
        highest < before + GROWTH_MAX_MIB,
        "{before} MiB, then {highest} MiB"
    );
    assert!(
        readers
            .iter()
            .all(|reader| reader.bytes == readers[0].bytes && reader.ended_well())
    );
    let whole = Answer::read(format!("GET {list}"), &readers[0].received).json();
    let things = whole.as_array().unwrap().iter();
    let numbers = things.map(|message| message["number"].as_u64());
    assert!(numbers.eq((1..=messages as u64).map(Some)));
}

fn fill(http: &Service, list: &str, messages: usize) {
    let message = json!({ "body": "x".repeat(BODY_BYTES) });
    let batch = post(format!("/v1{list}/batch")).json(&json!({ "messages": vec![message; BATCH_MESSAGES] }));
    for _ in 0..messages / BATCH_MESSAGES {
        http.send(201, &batch);
    }
}

fn read_page_by_page(http: &Service, list: &str, messages: usize) {
    for page in 1..=messages.div_ceil(100) {
        http.send(200, &get(format!("{list}?page={page}&limit=100")));
    }
}

/// Who reads a whole list, piece by piece.
struct Reader {
    connection: TcpStream,
    keeps: Keeps,
    received: Vec<u8>,
    bytes: usize,
}

/// What a reader keeps of what it received.
#[derive(PartialEq)]
enum Keeps {
    Everything,
    LastPiece,
}

impl Reader {
    fn asking(http: &Service, list: &str, keeps: Keeps) -> Reader {
        Reader {
            connection: http.ask(&get(list)),
            keeps,
            received: Vec::new(),
            bytes: 0,
        }
    }

    /// Reads the next piece; how many bytes it has, 0 at the end.
    fn read_piece(&mut self) -> usize {
        let mut piece = Vec::new();
        let bytes = (&self.connection)
            .take(PIECE_BYTES)
            .read_to_end(&mut piece)
            .unwrap();
        if bytes > 0 && self.keeps == Keeps::LastPiece {
            self.received.clear();
        }
        self.received.append(&mut piece);
        self.bytes += bytes;
        bytes
    }

    /// Whether the last chunk arrived.
    fn ended_well(&self) -> bool {
        self.received.ends_with(b"0\r\n\r\n")
    }
}

/// Lets every reader take a piece in turn until all have everything; the highest measurement meanwhile.
fn in_turns(readers: &mut [Reader], measure: impl Fn() -> u64) -> u64 {
    let mut highest = 0;
    while readers.iter_mut().map(Reader::read_piece).sum::<usize>() > 0 {
        highest = highest.max(measure());
    }
    highest
}
