//! Any 1 to 12 neighbouring characters of a message find it in its chat.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use tiro_client::SearchScope;
use tiro_conformance::generator::Generator;

use super::{finds, part_of};
use crate::counts::{full, seed};
use crate::requests::{create_application, create_chat, create_messages};
use crate::support::{Tiro, temp_folder};

/// The folder of real chat, if it is at hand; see `cargo xtask test`.
const CORPUS_VARIABLE: &str = "TIRO_CORPUS";
const CORPUS_FILE: &str = "ubuntu-irc.ndjson.gz";
const GENERATED: usize = 100;
const OF_THE_CORPUS: usize = 1_000;
/// Between two messages of the corpus that are taken, so that many chats are met.
const CORPUS_STEP: usize = 190;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_to_twelve_characters_of_a_message_find_it() {
    let mut random = fastrand::Rng::with_seed(seed());
    let bodies = bodies(&mut random);
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let token = create_application(&tiro.client()).await;
    let chat = create_chat(&tiro.client(), &token).await;
    for bodies in bodies.chunks(100) {
        create_messages(&tiro.client(), &token, chat, bodies).await;
    }
    for place in ["just written", "after a restart"] {
        let client = tiro.client();
        let scope = SearchScope::Chat {
            token: &token,
            number: chat,
        };
        for (number, body) in (1..).zip(&bodies) {
            let query = part_of(body, &mut random);
            let found = finds(&client, scope, &query, chat, number).await;
            assert!(found, "{place}: {query:?} misses message {number}: {body:?}");
        }
        tiro.stop();
        tiro = Tiro::start(folder.path(), &[]);
    }
}

fn bodies(random: &mut fastrand::Rng) -> Vec<String> {
    match std::env::var_os(CORPUS_VARIABLE).filter(|_| full()) {
        Some(folder) => corpus(&folder),
        None => {
            let mut generator = Generator::new(random.u64(..));
            (0..GENERATED).map(|_| generator.message().body).collect()
        }
    }
}

fn corpus(folder: &OsString) -> Vec<String> {
    let path = Path::new(folder).join(CORPUS_FILE);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let body = |line: std::io::Result<String>| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["body"].as_str().unwrap().to_owned()
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines().step_by(CORPUS_STEP);
    let bodies: Vec<String> = lines.take(OF_THE_CORPUS).map(body).collect();
    assert_eq!(bodies.len(), OF_THE_CORPUS, "the corpus is too short");
    bodies
}
