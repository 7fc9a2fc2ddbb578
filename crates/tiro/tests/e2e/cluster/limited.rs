//! The rate limit of a cluster.

use std::time::Instant;

use super::nodes::Cluster;
use crate::limiting::get;
use crate::requests::create_application;
use crate::support::block_on;

/// Requests of a burst.
const BURST: u64 = 40;

#[test]
fn two_nodes_share_one_rate_limit() {
    let limit = ["--rate-limit", "1", "--rate-limit-burst", &BURST.to_string()];
    let cluster = Cluster::start(&limit);
    let nodes = cluster.servers();
    let token = block_on(create_application(&nodes[0].client()));
    let path = format!("/v1/applications/{token}");
    let began = Instant::now();
    let mut allowed = 0;
    for request in 0..2 * BURST {
        let answer = get(nodes[(request % 2) as usize], &path);
        if answer.starts_with("HTTP/1.1 200") {
            allowed += 1;
        } else {
            assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
            assert!(answer.contains("retry-after: 1"), "{answer}");
            assert!(answer.contains("too_many_requests"), "{answer}");
        }
    }
    let came = began.elapsed().as_secs() + 1;
    assert!((BURST..=BURST + came).contains(&allowed), "{allowed} in {came} s");
    assert!(get(nodes[1], "/healthz").starts_with("HTTP/1.1 200"));
    cluster.stop();
}
