//! From one machine to many and back: nothing is told apart, and whoever followed goes on with the cursor he has.

use std::path::Path;

use tiro_client::api::{CreateMessage, Entry};
use tiro_client::{Client, Feed, Paging, Sending};

use super::nodes::Cluster;
use crate::exporting::{KEY_OF_ONE, assert_imported, exported, fill};
use crate::requests::{create_message, list_messages};
use crate::support::{Launch, Tiro, block_on, temp_folder};

/// What somebody who follows an application knows when it moves.
struct Follower {
    token: String,
    /// Up to where he has seen the feed.
    cursor: String,
    /// How long the feed was that he has seen.
    entries: usize,
}

impl Follower {
    /// Sees half of what there is, as one does who is behind when the move begins.
    async fn halfway(client: &Client, token: String) -> Follower {
        let start = Feed::default();
        let all = client.changes(&token, &start, 1_000).await.unwrap();
        let entries = all.data.len() / 2;
        let half = u32::try_from(entries).unwrap();
        let page = client.changes(&token, &start, half).await.unwrap();
        let cursor = page.next.into_owned();
        Follower {
            token,
            cursor,
            entries,
        }
    }

    /// Goes on at this server with the cursor that another one gave him: sees each entry behind it, once and in order.
    async fn go_on(&mut self, client: &Client) {
        let all = client
            .changes(&self.token, &Feed::default(), 1_000)
            .await
            .unwrap();
        let feed = Feed::after(self.cursor.clone());
        let behind = client.changes(&self.token, &feed, 1_000).await.unwrap();
        let position = |entry: &Entry<'_>| entry.position;
        let expected: Vec<u64> = all.data[self.entries..].iter().map(position).collect();
        assert!(!expected.is_empty(), "there is something that he has not seen");
        assert_eq!(behind.data.iter().map(position).collect::<Vec<_>>(), expected);
        self.entries = all.data.len();
        self.cursor = behind.next.into_owned();
    }
}

#[test]
fn what_moves_into_a_cluster_and_back_is_the_same_bytes_and_cursors_and_keys_go_on() {
    let folder = temp_folder();
    let file = |name: &str| folder.path().join(name);
    let machine = Tiro::start(&file("machine"), &[]);
    let mut follower = block_on(async {
        let client = machine.client();
        let token = fill(&client, "moves").await;
        client.set_read(&token, 1, "bob", 2).await.unwrap();
        let deleted = fill(&client, "deleted").await;
        let sending = Sending::default();
        client.delete_application(&deleted, &sending).await.unwrap();
        Follower::halfway(&client, token).await
    });
    let of_machine = exported(&machine, &file("of-machine"));

    let cluster = Cluster::start(&[]);
    let [server, other] = cluster.servers();
    assert_imported(server, &file("of-machine"));
    assert_same(&exported(other, &file("of-cluster")), &of_machine);
    assert_imported(other, &file("of-machine"));
    block_on(live_on(&mut follower, &server.client(), &other.client(), 5));
    assert_sound(&cluster);

    let of_cluster = exported(other, &file("of-cluster"));
    let back = Tiro::start(&file("back"), &[]);
    assert_imported(&back, &file("of-cluster"));
    assert_same(&exported(&back, &file("of-back")), &of_cluster);
    block_on(live_on(&mut follower, &back.client(), &back.client(), 6));
    cluster.stop();
}

/// The life of the application where it has arrived: who followed goes on, a request that is repeated is recognised, the
/// marker stands where it stood, and the next message has the next number.
async fn live_on(follower: &mut Follower, writes: &Client, reads: &Client, next: u64) {
    let token = follower.token.clone();
    let message = CreateMessage {
        body: "one",
        sender: Some("ada"),
        metadata: None,
    };
    let sending = Sending::named(KEY_OF_ONE);
    let replayed = reads.create_message(&token, 1, &message, &sending).await.unwrap();
    assert!(replayed.replayed && replayed.value.number == 1, "keys come along");
    let marker = reads.reader(&token, 1, "bob").await.unwrap().value;
    assert_eq!(marker.read, 2);
    assert_eq!(create_message(writes, &token, 1, "here now").await, next);
    follower.go_on(reads).await;
    let last = reads.messages(&token, 1, &Paging::last(1)).await.unwrap();
    assert_eq!(last.data[0].number, next);
}

fn assert_sound(cluster: &Cluster) {
    let verify = ["verify", "--cluster", cluster.config()];
    let ended = Launch::new(verify).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

fn assert_same(export: &[u8], other: &[u8]) {
    assert!(export == other, "the exports differ");
}

#[test]
fn an_export_of_a_cluster_that_writes_meanwhile_is_one_moment_of_it() {
    let cluster = Cluster::start(&[]);
    let [server, other] = cluster.servers();
    let folder = temp_folder();
    let file = folder.path().join("meanwhile");
    let (client, token) = block_on(async {
        let client = server.client();
        let token = fill(&client, "busy").await;
        (client, token)
    });
    let writing = std::thread::spawn({
        let token = token.clone();
        move || block_on(write_on(&client, &token))
    });
    exported(other, &file);
    writing.join().unwrap();
    assert_holds_a_moment(&file, &token);
    cluster.stop();
}

async fn write_on(client: &Client, token: &str) {
    for round in 0..200 {
        create_message(client, token, 1, &format!("busy {round}")).await;
    }
}

/// Brought into a Tiro that has nothing, the numbers of messages are without a gap and the counts are theirs.
fn assert_holds_a_moment(file: &Path, token: &str) {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    assert_imported(&tiro, file);
    block_on(async {
        let client = tiro.client();
        let chat = client.chat(token, 1).await.unwrap().value;
        let messages = list_messages(&client, token, 1).await;
        let numbers: Vec<u64> = messages.iter().map(|message| message.number).collect();
        assert_eq!(numbers, (1..=chat.last_message_number).collect::<Vec<_>>());
        // `fill` deleted one of them.
        assert_eq!(chat.messages_count, chat.last_message_number - 1);
    });
}
