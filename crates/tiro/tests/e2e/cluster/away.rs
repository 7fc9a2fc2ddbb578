//! What no acknowledged write needs may be away: a node serves, finds what it stores, and says what it misses.

use std::time::{Duration, Instant};

use tiro_client::{Client, Options, Paging, Patience, Search, SearchScope, Sending};
use tiro_conformance::{Fault, Proxy};
use tokio::task::JoinSet;

use super::nodes::{Cluster, Systems, node_without};
use crate::must_hold::until;
use crate::requests::{create_application, create_chat, create_numbered_messages, list_messages, message};
use crate::support::{Tiro, block_on};

const MESSAGES: usize = 2_500;
const CLIENTS: usize = 64;
/// How long MySQL refuses.
const AWAY: Duration = Duration::from_secs(5);
/// A node knows that MySQL refuses within so long, at most.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);
/// From then on it says 503 within so long, with as many clients as this.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// Of two nodes, until they know: what their clients and writers had on the way. Then each of them asks once in 0.6 s at
/// most, and looks for its row in `nodes` once in 5 s.
const ATTEMPTS_MAX: u32 = 2 * (CLIENTS as u32 + 10 + 4);
/// Writes are served again so long after the end.
const BACK_WITHIN: Duration = Duration::from_secs(2);

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

/// One request after the other while MySQL is away, every second one a write: when each was sent, and how long its 503 took.
async fn refusals(client: Client, (token, chat): (String, u64), until: Instant) -> Vec<(Instant, Duration)> {
    let mut refusals = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        let refused = if refusals.len() % 2 == 0 {
            let (body, sending) = (message("late"), Sending::default());
            let sent = client.create_message(&token, chat, &body, &sending);
            sent.await.map(drop)
        } else {
            client.message(&token, chat, 1).await.map(drop)
        };
        let error = refused.expect_err("MySQL is away");
        let refusal = error.refusal().expect("a node answers");
        assert!(
            refusal.status == 503 && refusal.retry_after.is_some(),
            "{refusal:?}"
        );
        refusals.push((begun, begun.elapsed()));
    }
    refusals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_mysql_refuses_64_clients_are_refused_at_once_and_hardly_anybody_asks_it() {
    let systems = Systems::own();
    let mysql = Proxy::start(systems.member("mysql")).await;
    let systems = systems.with("mysql", mysql.url());
    let cluster = Cluster::without_workers(&systems, &[], &[]);
    let patient = cluster.servers().map(Tiro::client);
    let impatient = cluster.servers().map(|server| {
        let options = Options {
            operator_key: None,
            patience: Patience::one_attempt(),
        };
        Client::new(&server.address, options).unwrap()
    });
    let token = create_application(&patient[0]).await;
    let chat = create_chat(&patient[0], &token).await;
    create_numbered_messages(&patient[1], &token, chat, 1).await;

    mysql.set(Fault::Refuse);
    let (before, begun) = (mysql.attempts(), Instant::now());
    let mut clients = JoinSet::new();
    for client in impatient.iter().cycle().take(CLIENTS) {
        clients.spawn(refusals(client.clone(), (token.clone(), chat), begun + AWAY));
    }
    let refusals: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    let attempts = mysql.attempts() - before;
    let known = begun + KNOWN_WITHIN;
    let slowest = refusals
        .iter()
        .filter(|(sent, _)| *sent > known)
        .map(|(_, took)| *took);
    let slowest = slowest.max().expect("clients ask again");
    println!(
        "{} refusals, the slowest {slowest:?}; {attempts} attempts to connect",
        refusals.len()
    );
    assert!(slowest <= REFUSED_WITHIN, "{slowest:?}");
    assert!(attempts <= ATTEMPTS_MAX, "{attempts} attempts to connect");
    for node in &impatient {
        let unready = node.readyz().await.expect_err("MySQL is away");
        let refusal = unready.refusal().expect("a node answers");
        assert!(
            refusal.problem.detail.contains("MySQL takes no writes: "),
            "{refusal:?}"
        );
    }

    mysql.set(Fault::None);
    let healed = Instant::now();
    for node in &impatient {
        let (body, sending) = (message("late"), Sending::default());
        until("writes are served again", async || {
            let sent = node.create_message(&token, chat, &body, &sending);
            sent.await.is_ok()
        })
        .await;
        let back = healed.elapsed();
        println!("a write was served {back:?} after the end");
        assert!(back <= BACK_WITHIN, "{back:?}");
    }
    cluster.stop();
}
