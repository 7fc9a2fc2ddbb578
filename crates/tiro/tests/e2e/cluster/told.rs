//! What one node acknowledged the other shows in the next request, and streams on both tell the same feed.

use tiro_client::api::{CreateMessage, UpdateMessage};
use tiro_client::{Client, Feed, Paging, Search, SearchScope, Sending};

use super::nodes::Cluster;
use crate::counts::count;
use crate::follow::crowd;
use crate::requests::{create_application, create_chat};

const ROUNDS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_through_one_node_is_in_the_next_answer_of_the_other() {
    let cluster = Cluster::start(&[]);
    let clients = cluster.servers().map(|server| server.client());
    let token = create_application(&clients[0]).await;
    let chat = create_chat(&clients[1], &token).await;
    for round in 1..=ROUNDS {
        let (writes, reads) = (&clients[round % 2], &clients[(round + 1) % 2]);
        write_and_look(writes, reads, &token, chat, round as u64).await;
    }
    cluster.stop();
}

async fn write_and_look(writes: &Client, reads: &Client, token: &str, chat: u64, round: u64) {
    let body = format!("parcel-{round}-is-late");
    let message = CreateMessage {
        body: &body,
        sender: None,
        metadata: None,
    };
    let created = writes
        .create_message(token, chat, &message, &Sending::default())
        .await
        .unwrap();
    let number = created.value.number;
    assert_eq!(number, round);
    assert_eq!(found(reads, token, &format!("cel-{round}-is")).await, [number]);
    let read = reads.message(token, chat, number).await.unwrap();
    assert_eq!(read.value.body.as_deref(), Some(&*body));
    let page = reads.messages(token, chat, &Paging::last(1)).await.unwrap();
    assert_eq!(page.data[0].number, number);
    let parent = reads.chat(token, chat).await.unwrap().value;
    assert_eq!(
        (parent.messages_count, parent.last_message_number),
        (round, round)
    );
    let feed = Feed {
        after: Some(page.as_of.unwrap().into_owned()),
        ..Feed::default()
    };
    assert!(reads.changes(token, &feed, 10).await.unwrap().data.is_empty());

    let update = UpdateMessage {
        body: Some("moved on"),
        metadata: None,
    };
    let sending = Sending::default();
    let updated = writes
        .update_message(token, chat, number, &update, &sending)
        .await;
    assert_eq!(updated.unwrap().value.version, 2);
    assert!(
        found(reads, token, &body).await.is_empty(),
        "the old text is gone"
    );
    assert!(found(reads, token, "moved on").await.contains(&number));
    let entries = reads.changes(token, &feed, 10).await.unwrap().data;
    assert_eq!(entries.len(), 1, "the update is the next entry");
}

async fn found(client: &Client, token: &str, query: &str) -> Vec<u64> {
    let search = Search::of(query.to_owned()).limit(200);
    let page = client
        .search(SearchScope::Application(token), &search)
        .await
        .unwrap();
    page.data.iter().map(|hit| hit.message.number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_on_both_nodes_receive_exactly_the_feed_also_when_they_are_cut_and_resume() {
    let cluster = Cluster::start(&[]);
    crowd::each_receives_exactly_the_feed(&cluster.servers(), count(20, 200)).await;
    cluster.stop();
}
