//! The lives that clients of the classic services lead, created on one node and read on the other.

use super::nodes::Cluster;
use crate::classic::talk::Service;
use crate::classic::{flat, listeners, nested, paged, titled};

#[test]
fn each_classic_life_is_created_on_one_node_and_read_on_the_other() {
    let cluster = Cluster::start(&[]);
    let [writes, reads] = cluster.servers().map(|server| server.host());
    let http = Service::over(writes, reads);
    nested::whole_life(&http);
    paged::whole_life(&http);
    flat::whole_life(&http);
    listeners::whole_life(&Service::at(writes), &Service::at(reads));
}

#[test]
fn the_classic_life_with_an_operator_key_is_created_on_one_node_and_read_on_the_other() {
    let cluster = Cluster::start(&["--operator-key", titled::KEY]);
    let [writes, reads] = cluster.servers().map(|server| server.host());
    titled::whole_life(&Service::over(writes, reads));
}
