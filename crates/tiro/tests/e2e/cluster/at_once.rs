//! Numbers and keys where requests arrive at two nodes at the same moment.

use super::nodes::Cluster;
use crate::must_hold::{numbers, retries};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_chats_and_messages_over_two_nodes_get_1_to_200_and_one_key_stores_one_thing() {
    let cluster = Cluster::start(&[]);
    numbers::first_chats_at_once(&cluster.servers()).await;
    numbers::one_fresh_chat(&cluster.servers()).await;
    let [one, other] = cluster.servers();
    numbers::messages_right_behind_their_chats(one, other).await;
    retries::one_key_at_once(&cluster.servers()).await;
    cluster.stop();
}
