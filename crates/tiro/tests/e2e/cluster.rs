//! Several machines: two API nodes and two workers on MySQL, RabbitMQ, Redis and OpenSearch, as one service.
//!
//! What must hold on one machine must hold wherever a request arrives: the same tests, spread over the nodes.

mod at_once;
mod away;
mod bodies;
mod classic;
mod limited;
mod moving;
mod nodes;
mod operating;
mod parked;
mod statements;
mod told;
