//! Writes in the background, as fast as the server takes them, until the foreground is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tiro_client::Client;
use tiro_conformance::generator::Generator;
use tokio::task::JoinSet;

use crate::requests::{create_chat, create_messages};

const BATCH_MESSAGES: usize = 200;
/// Texts that a writer repeats, so that making them up takes nothing from the load.
const TEXTS: usize = 4_000;

/// Writers at work.
pub(super) struct Load {
    is_over: Arc<AtomicBool>,
    writers: JoinSet<u64>,
}

impl Load {
    /// Lets `writers` write batches, each to its own chat of the application.
    pub(super) async fn start(client: &Client, token: &str, writers: usize) -> Load {
        let mut load = Load {
            is_over: Arc::default(),
            writers: JoinSet::new(),
        };
        for seed in 0..writers {
            let chat = create_chat(client, token).await;
            let texts = texts(seed as u64);
            let is_over = Arc::clone(&load.is_over);
            load.writers
                .spawn(write(client.clone(), token.to_owned(), chat, texts, is_over));
        }
        load
    }

    /// Ends it; how many messages were written.
    pub(super) async fn end(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.writers.join_all().await.iter().sum()
    }
}

fn texts(seed: u64) -> Vec<String> {
    let mut generator = Generator::new(seed);
    (0..TEXTS).map(|_| generator.message().body).collect()
}

async fn write(
    client: Client,
    token: String,
    chat: u64,
    texts: Vec<String>,
    is_over: Arc<AtomicBool>,
) -> u64 {
    let mut written = 0;
    for bodies in texts.chunks(BATCH_MESSAGES).cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        create_messages(&client, &token, chat, bodies).await;
        written += bodies.len() as u64;
    }
    written
}
