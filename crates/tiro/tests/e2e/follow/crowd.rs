//! A hundred streams (a thousand in full) on one application while 32 clients write, edit and delete; streams are cut
//! at random moments and resume. Each receives exactly the feed.

use serde_json::Value;
use tiro_client::api::UpdateMessage;
use tiro_client::{Client, Feed, Sending};

use super::stream::RawStream;
use crate::counts::{count, seed};
use crate::limits::raise_the_limit_of_connections;
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

const WRITERS: u64 = 32;
const CHATS: u64 = 8;
/// The chat whose only message is the end.
const LAST_CHAT: u64 = CHATS + 1;

/// What a stream was told: position, type, chat, number, version. What the thing was at that moment differs.
type Told = (u64, String, Option<u64>, Option<u64>, u64);

fn told(entry: &Value) -> Told {
    (
        entry["position"].as_u64().unwrap(),
        entry["type"].as_str().unwrap().to_owned(),
        entry["chat"].as_u64(),
        entry["number"].as_u64(),
        entry["version"].as_u64().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_streams_receives_exactly_the_feed_also_when_it_is_cut_and_resumes() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    each_receives_exactly_the_feed(&[&tiro], count(100, 1_000)).await;
}

/// Streams and writers are spread over the servers.
pub(crate) async fn each_receives_exactly_the_feed(servers: &[&Tiro], streams: usize) {
    raise_the_limit_of_connections(2 * streams as u64 + 1_000);
    let seed = seed();
    let server = |place: usize| servers[place % servers.len()];
    let client = servers[0].client();
    let token = create_application(&client).await;
    for _ in 0..LAST_CHAT {
        create_chat(&client, &token).await;
    }
    let begin = client
        .changes(&token, &Feed::default(), 1)
        .await
        .unwrap()
        .as_of
        .into_owned();
    let followers: Vec<_> = (0..streams)
        .map(|place| {
            let (host, token, begin) = (server(place).host().to_owned(), token.clone(), begin.clone());
            tokio::spawn(follow(
                host,
                token,
                begin,
                fastrand::Rng::with_seed(seed ^ place as u64),
            ))
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let rng = fastrand::Rng::with_seed(seed.wrapping_add(writer));
            let client = server(writer as usize + 1).client();
            tokio::spawn(write(client, token.clone(), count(40, 150), rng))
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    create_message(&client, &token, LAST_CHAT, "the end").await;
    let feed = whole_feed(&client, &token, &begin).await;
    for follower in followers {
        let received = follower.await.unwrap();
        assert_eq!(
            received.len(),
            feed.len(),
            "{:?} against {:?}",
            received.last(),
            feed.last()
        );
        assert_eq!(received, feed);
    }
}

/// Follows until the message that is the end, and cuts its own connection now and then.
async fn follow(host: String, token: String, begin: String, mut rng: fastrand::Rng) -> Vec<Told> {
    let mut received = Vec::new();
    let mut cursor = begin;
    loop {
        let mut stream = RawStream::open(&host, &token, "", Some(&cursor)).await;
        for _ in 0..rng.usize(1..400) {
            let entry = stream.entry().await.expect("a stream goes on");
            received.push(told(&entry));
            if entry["type"] == "message.created" && entry["chat"] == LAST_CHAT {
                return received;
            }
        }
        cursor = stream.cursor.clone().unwrap();
    }
}

async fn whole_feed(client: &Client, token: &str, after: &str) -> Vec<Told> {
    let mut feed = Feed::after(after);
    let mut all = Vec::new();
    loop {
        let page = client.changes(token, &feed, 1_000).await.unwrap();
        for entry in &page.data {
            all.push(told(&serde_json::to_value(entry).unwrap()));
        }
        if !page.has_more {
            return all;
        }
        feed.after = Some(page.next.into_owned());
    }
}

async fn write(client: Client, token: String, operations: usize, mut rng: fastrand::Rng) {
    let mut own = Vec::new();
    for operation in 0..operations {
        let sending = Sending::default();
        let choice = if own.is_empty() { 0 } else { rng.u8(..10) };
        if choice < 6 {
            let chat = rng.u64(1..=CHATS);
            let body = format!("message {operation} {}", "x".repeat(rng.usize(..300)));
            own.push((chat, create_message(&client, &token, chat, &body).await));
            continue;
        }
        let place = rng.usize(..own.len());
        let (chat, number) = own[place];
        if choice < 8 {
            let update = UpdateMessage {
                body: Some("edited"),
                metadata: None,
            };
            client
                .update_message(&token, chat, number, &update, &sending)
                .await
                .unwrap();
        } else {
            client
                .delete_message(&token, chat, number, &sending)
                .await
                .unwrap();
            own.swap_remove(place);
        }
    }
}
