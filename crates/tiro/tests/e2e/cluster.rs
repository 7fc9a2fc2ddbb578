//! Several machines: two API nodes and two workers on MySQL, RabbitMQ, Redis and OpenSearch, as one service.
//!
//! What must hold on one machine must hold wherever a request arrives: the same tests, spread over the nodes.

mod accounts;
mod at_once;
mod away;
mod bodies;
mod classic;
mod encrypted;
mod forgotten;
mod frozen;
mod halting;
mod limited;
mod moving;
#[allow(dead_code, reason = "shared with the tests of outages, which use all of it")]
mod nodes;
mod operating;
mod parked;
mod starting;
mod statements;
mod told;
mod uncertified;
