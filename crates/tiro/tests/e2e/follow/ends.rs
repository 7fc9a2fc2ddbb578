//! How streams end: with their application, and with the server.

use std::time::{Duration, Instant};

use tiro_client::{Client, Error, Feed, Sending};

use super::stream::RawStream;
use crate::counts::count;
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

/// Far more than it takes, and far less than what a stop waits for.
const AT_ONCE: Duration = Duration::from_secs(15);

async fn streams(tiro: &Tiro, token: &str, count: usize) -> Vec<RawStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = RawStream::open(tiro.host(), token, "", None).await;
        stream.begun().await;
        streams.push(stream);
    }
    streams
}

async fn application_with_chat(client: &Client) -> (String, u64) {
    let token = create_application(client).await;
    let chat = create_chat(client, &token).await;
    (token, chat)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_deleted_application_say_goodbye_and_others_go_on() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let (token, _) = application_with_chat(&client).await;
    let (other, chat) = application_with_chat(&client).await;
    let doomed = streams(&tiro, &token, count(50, 500)).await;
    let mut living = streams(&tiro, &other, 1).await.remove(0);
    client
        .delete_application(&token, &Sending::default())
        .await
        .unwrap();
    for mut stream in doomed {
        let last = stream.entry().await.unwrap();
        assert_eq!(last["type"], "application.deleted");
        assert!(stream.entry().await.is_none() && stream.is_whole());
    }
    let refused = client.follow(&token, Feed::default()).next().await.unwrap_err();
    assert!(
        matches!(&refused, Error::Refused(refusal) if refusal.status == 410),
        "{refused}"
    );
    create_message(&client, &other, chat, "still here").await;
    assert_eq!(living.entry().await.unwrap()["data"]["body"], "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_every_stream_cleanly_and_at_once() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let (token, _) = application_with_chat(&client).await;
    let open = streams(&tiro, &token, count(100, 1_000)).await;
    let begun = Instant::now();
    tiro.process().terminate();
    for mut stream in open {
        assert!(stream.entry().await.is_none());
        assert!(stream.is_whole(), "a stream was cut");
    }
    let ended = tokio::task::spawn_blocking(|| tiro.wait()).await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}
