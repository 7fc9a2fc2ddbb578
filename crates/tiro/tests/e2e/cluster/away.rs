//! What no acknowledged write needs may be away: a node serves, finds what it stores, and says what it misses.

use tiro_client::{Paging, Search, SearchScope};

use super::nodes::node_without;
use crate::must_hold::until;
use crate::requests::{create_application, create_chat, create_numbered_messages, list_messages};
use crate::support::block_on;

const MESSAGES: usize = 2_500;

#[test]
fn a_node_whose_other_systems_are_away_writes_reads_and_finds_everything_and_says_what_is_away() {
    let (node, _folder) = node_without(&["rabbitmq", "redis", "opensearch"]);
    block_on(async {
        let client = node.client();
        let token = create_application(&client).await;
        let chat = create_chat(&client, &token).await;
        create_numbered_messages(&client, &token, chat, MESSAGES).await;
        assert_eq!(list_messages(&client, &token, chat).await.len(), MESSAGES);
        let page = client.messages(&token, chat, &Paging::last(1)).await.unwrap();
        assert_eq!(page.data[0].number, MESSAGES as u64);
        let scope = SearchScope::Chat {
            token: &token,
            number: chat,
        };
        let search = Search::of("2499".to_owned());
        let found = client.search(scope, &search).await.unwrap();
        let numbers: Vec<u64> = found.data.iter().map(|hit| hit.message.number).collect();
        assert_eq!(numbers, [2_499]);

        until("all that is away is named", async || {
            let ready = client.readyz().await.unwrap();
            assert!(ready.ready, "nothing that reads or writes need is away");
            let is_named = |system: &str| ready.remarks.iter().any(|remark| remark.starts_with(system));
            ["Redis is away: ", "RabbitMQ is away: ", "OpenSearch is away: "]
                .into_iter()
                .all(is_named)
        })
        .await;
    });
    assert_eq!(node.stop().code, Some(0));
}
