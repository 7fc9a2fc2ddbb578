//! `kill -9` under a stream: what was told stays true, and the stream goes on where it was.

use tiro_client::Feed;

use super::stream::RawStream;
use crate::counts::count;
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_resumes_after_kill_and_has_missed_and_repeated_nothing() {
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let mut cursor = client
        .changes(&token, &Feed::default(), 1)
        .await
        .unwrap()
        .as_of
        .into_owned();
    let mut told = Vec::new();
    let mut acknowledged = Vec::new();
    for round in 0..count(4, 20) {
        let client = tiro.client();
        let mut stream = RawStream::open(tiro.host(), &token, "", Some(&cursor)).await;
        let writing = tokio::spawn({
            let token = token.clone();
            async move {
                let mut numbers = Vec::new();
                for message in 0..200 {
                    numbers.push(create_message(&client, &token, chat, &format!("{round} {message}")).await);
                }
                numbers
            }
        });
        // The stream is in the middle of it.
        while told.len() < acknowledged.len() + 50 {
            let entry = stream.entry().await.expect("the server runs");
            told.push(entry["number"].as_u64().unwrap());
            cursor = stream.cursor.clone().unwrap();
        }
        acknowledged.extend(writing.await.unwrap());
        tiro.kill();
        // What was sent and not read before the kill may still come.
        while let Some(entry) = stream.entry().await {
            told.push(entry["number"].as_u64().unwrap());
            cursor = stream.cursor.clone().unwrap();
        }
        assert!(!stream.is_whole(), "a killed server says no goodbye");
        tiro = Tiro::start(folder.path(), &[]);
    }
    let mut stream = RawStream::open(tiro.host(), &token, "", Some(&cursor)).await;
    while told.len() < acknowledged.len() {
        told.push(stream.entry().await.unwrap()["number"].as_u64().unwrap());
    }
    assert_eq!(told, acknowledged);
}
