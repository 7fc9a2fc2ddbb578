//! A burst of the largest bodies: no statement or packet may grow past what MySQL takes.

use tiro_client::Sending;
use tokio::task::JoinSet;

use super::nodes::Cluster;
use crate::requests::{create_application, create_chat, list_messages, message};

const MESSAGES: usize = 500;
/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 65_536;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_of_the_largest_bodies_in_one_burst_are_all_stored_as_they_were_sent() {
    let cluster = Cluster::start(&[]);
    let clients = cluster.servers().map(|server| server.client());
    let token = create_application(&clients[0]).await;
    let chat = create_chat(&clients[0], &token).await;
    let mut sent = JoinSet::new();
    for index in 0..MESSAGES {
        let (client, token) = (clients[index % 2].clone(), token.clone());
        sent.spawn(async move {
            let body = format!("{index:05}").repeat(BODY_BYTES_MAX / 5);
            let created = client
                .create_message(&token, chat, &message(&body), &Sending::default())
                .await;
            (created.unwrap().value.number, index)
        });
    }
    let mut sent = sent.join_all().await;
    sent.sort_unstable();
    let listed = list_messages(&clients[1], &token, chat).await;
    assert_eq!(listed.len(), MESSAGES);
    for (message, (number, index)) in listed.iter().zip(sent) {
        assert_eq!(message.number, number);
        let body = format!("{index:05}").repeat(BODY_BYTES_MAX / 5);
        assert!(
            message.body.as_deref() == Some(&*body),
            "message {number} differs"
        );
    }
    cluster.stop();
}
