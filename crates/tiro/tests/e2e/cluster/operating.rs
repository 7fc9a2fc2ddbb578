//! What an operator does with a cluster that runs: looks, checks, makes the index anew.

use tiro_client::{Search, SearchScope};

use super::nodes::Cluster;
use crate::must_hold::until;
use crate::requests::{create_application, create_chat, create_numbered_messages};
use crate::support::{Ended, Launch, block_on};

const MESSAGES: usize = 2_000;

fn tiro(cluster: &Cluster, arguments: &[&str]) -> Ended {
    Launch::new(arguments.iter().chain(&["--cluster", cluster.config()])).run()
}

fn assert_done(ended: &Ended, said: &str) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains(said) || ended.stderr.contains(said),
        "{said} in {ended:?}"
    );
}

#[test]
fn an_operator_sees_nodes_and_lag_checks_the_rows_and_makes_the_index_anew() {
    let cluster = Cluster::start(&[]);
    let [server, other] = cluster.servers();
    let client = server.client();
    let token = block_on(async {
        let token = create_application(&client).await;
        let chat = create_chat(&client, &token).await;
        create_numbered_messages(&client, &token, chat, MESSAGES).await;
        until("the workers have indexed everything", async || {
            let status = client.status().await.unwrap();
            let is_indexed = |one: &tiro_client::api::PartitionStatus| one.indexed == Some(one.changes);
            status.partitions.len() == 4 && status.partitions.iter().all(is_indexed)
        })
        .await;
        token
    });
    let status = Launch::new(["status", "--server", &other.address]).run();
    assert_done(&status, "dead letters: 0");
    let of = |role: &str| status.stdout.matches(&format!("node {role} ")).count();
    assert_eq!((of("api"), of("worker")), (2, 2), "{}", status.stdout);

    assert_done(&tiro(&cluster, &["verify"]), "The cluster is sound.");
    assert_done(&tiro(&cluster, &["reindex"]), "The new search index serves.");
    assert_done(&tiro(&cluster, &["verify"]), "The cluster is sound.");
    assert_done(&tiro(&cluster, &["dead", "list"]), "There are no dead letters.");
    let in_use = tiro(&cluster, &["new-epoch"]);
    assert_eq!(in_use.code, Some(1), "{in_use:?}");
    assert!(in_use.stderr.contains("in use by 4 nodes"), "{in_use:?}");
    let none = tiro(&cluster, &["dead", "show", "no-such-letter"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    let found = block_on(client.search(
        SearchScope::Application(&token),
        &Search::of("1999".to_owned()).limit(10),
    ));
    assert_eq!(found.unwrap().data.len(), 1);
    // By now it has looked after all systems more than once.
    let nothing_is_away = async || client.readyz().await.unwrap().remarks.is_empty();
    block_on(until("the node has seen the index", nothing_is_away));
    cluster.stop();
}
