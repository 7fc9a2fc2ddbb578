//! Nodes that are told to end after the network forgot their connections to MySQL, encrypted or not.
//!
//! `tiro serve` stayed for ever where they were encrypted: the end of each was waited for, and nobody was there to end it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tiro_client::Paging;
use tiro_conformance::Proxy;
use tiro_conformance::address::with_parameter;

use super::nodes::{Cluster, Systems};
use crate::requests::{create_application, create_chat, create_message};

/// Of a node that has nothing to carry out: a few seconds for each of its parts. Who stops it by a supervisor gives it 10 s at least.
const SERVE_ENDS_WITHIN: Duration = Duration::from_secs(15);
/// Work in hand has 10 s, and what it cannot end any more 5 s.
const WORKER_ENDS_WITHIN: Duration = Duration::from_secs(25);
const READS_AT_ONCE: usize = 8;

async fn ends_in_time(encryption: &str) {
    let systems = Systems::own();
    let mysql = Proxy::start(&with_parameter(systems.member("mysql"), "ssl-mode", encryption)).await;
    let systems = systems.with("mysql", mysql.url());
    let cluster = Cluster::without_workers(&systems, &[], &[]);
    let worker = cluster.worker(&systems);
    let client = cluster.api[0].client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    create_message(&client, &token, chat, "first").await;
    let paging = Paging::last(1);
    let reads = (0..READS_AT_ONCE).map(|_| client.messages(&token, chat, &paging));
    assert!(join_all(reads).await.iter().all(Result::is_ok));

    mysql.forget();
    let begun = Instant::now();
    let (api, bounds) = (cluster.api, [SERVE_ENDS_WITHIN; 2]);
    api.iter().for_each(|node| node.process().terminate());
    worker.terminate();
    for (node, bound) in api.into_iter().zip(bounds) {
        let ended = node.wait();
        assert_eq!(ended.code, Some(0), "{encryption}: {ended:?}");
        let took = begun.elapsed();
        assert!(
            took <= bound,
            "{encryption}: `tiro serve` took {took:?}: {ended:?}"
        );
    }
    let ended = worker.wait();
    assert_eq!(ended.code, Some(0), "{encryption}: {ended:?}");
    let took = begun.elapsed();
    println!("{encryption}: all ended after {took:?}");
    assert!(
        took <= WORKER_ENDS_WITHIN,
        "{encryption}: `tiro worker` took {took:?}: {ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_whose_connections_to_mysql_were_forgotten_end_in_time() {
    for encryption in ["DISABLED", "REQUIRED"] {
        ends_in_time(encryption).await;
    }
}
