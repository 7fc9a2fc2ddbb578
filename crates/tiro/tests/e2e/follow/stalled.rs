//! A stream that reads nothing until it is ten thousand entries behind.

use std::fs;

use super::stream::RawStream;
use crate::requests::{create_application, create_chat, create_messages};
use crate::support::{Tiro, temp_folder};

const ENTRIES: u64 = 10_000;
const STREAMS: usize = 20;
const BODY_BYTES: usize = 2_000;
/// What the process may grow by: half of what it would if it kept for each stream what that one has not read. The
/// writes themselves take up to 64 MiB for what the view has yet to be told, more or less of it as the disk is.
const GROWTH_KIB_MAX: u64 = ENTRIES * (STREAMS * BODY_BYTES) as u64 / 2 / 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_read_nothing_cost_a_cursor_and_are_correct_afterwards() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    // What the writes themselves leave in memory is there before.
    let body = "x".repeat(BODY_BYTES);
    for _ in 0..ENTRIES / 500 {
        create_messages(&client, &token, chat, &vec![body.clone(); 500]).await;
    }
    let mut stalled = Vec::new();
    for _ in 0..STREAMS {
        stalled.push(RawStream::open(tiro.host(), &token, "", None).await);
    }
    for stream in &mut stalled {
        stream.begun().await;
    }
    let before = anonymous_kibibytes(&tiro);
    for _ in 0..ENTRIES / 500 {
        create_messages(&client, &token, chat, &vec![body.clone(); 500]).await;
    }
    let after = anonymous_kibibytes(&tiro);
    assert!(
        after < before + GROWTH_KIB_MAX,
        "from {before} KiB to {after} KiB"
    );
    for stream in &mut stalled {
        for number in 1..=ENTRIES {
            let entry = stream.entry().await.unwrap();
            assert_eq!(entry["position"], ENTRIES + 2 + number);
            assert_eq!(entry["number"], ENTRIES + number);
            assert_eq!(entry["data"]["body"], body);
        }
    }
}

/// Memory that is the process's own: `RssAnon`.
fn anonymous_kibibytes(tiro: &Tiro) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", tiro.process().id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
