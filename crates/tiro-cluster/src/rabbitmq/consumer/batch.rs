//! The messages of a partition that are taken together, and what becomes of them when the work fails.

use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};

use super::Consumers;
use crate::rabbitmq::message::{Announcement, REASON, id, persistent};
use crate::rabbitmq::publisher::Outgoing;
use crate::rabbitmq::topology::Topology;
use crate::worker::IndexFailure;

/// In the order of their arrival.
pub(super) struct Batch {
    partition: u16,
    last_tag: u64,
    announced: Vec<Announcement>,
    not_understood: Vec<(Delivery, String)>,
}

impl Batch {
    pub(super) fn new(partition: u16) -> Batch {
        Batch {
            partition,
            last_tag: 0,
            announced: Vec::new(),
            not_understood: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, delivery: Delivery) {
        self.last_tag = self.last_tag.max(delivery.delivery_tag);
        match Announcement::read(&delivery) {
            Ok(announcement) if announcement.partition == self.partition => self.announced.push(announcement),
            Ok(_) => self
                .not_understood
                .push((delivery, "it is of another partition".to_owned())),
            Err(error) => self.not_understood.push((delivery, error)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.announced.len() + self.not_understood.len()
    }

    /// Acknowledging it with all before it acknowledges the batch.
    pub(super) fn last_tag(&self) -> u64 {
        self.last_tag
    }

    /// How far the changes go, if any message says so.
    pub(super) fn through(&self) -> Option<u64> {
        self.announced.iter().map(|announcement| announcement.last).max()
    }

    /// Dead letters at once: trying again would not help.
    pub(super) fn not_understood(&self, topology: &Topology) -> Vec<Outgoing> {
        let dead = |(delivery, reason): &(Delivery, String)| {
            not_understood(delivery, reason, topology, topology.partition(self.partition))
        };
        self.not_understood.iter().map(dead).collect()
    }

    /// One message in place of all: back after a delay, or a dead letter after too many tries. Only work that failed
    /// counts as a try; that something was away does not.
    pub(super) fn again<I>(&self, failure: &IndexFailure, consumers: &Consumers<I>) -> Outgoing {
        let topology = consumers.publisher.topology();
        let mut one = self.as_one();
        let exchange = match failure {
            IndexFailure::Unavailable(_) => topology.retry(u32::MAX),
            IndexFailure::Failed(reason) => {
                one.tries += 1;
                let Announcement { id, tries, last, .. } = &one;
                let partition = self.partition;
                if one.tries < consumers.bounds.tries_max {
                    tracing::warn!(
                        partition,
                        through = last,
                        id,
                        tries,
                        reason,
                        "indexing failed and is tried again"
                    );
                    topology.retry(one.tries)
                } else {
                    tracing::error!(
                        partition,
                        through = last,
                        id,
                        tries,
                        reason,
                        "indexing failed: a dead letter"
                    );
                    topology.dead()
                }
            }
        };
        let reason = failure.to_string();
        Outgoing {
            exchange,
            routing_key: topology.partition(self.partition),
            properties: one.properties(Some(&reason)),
            body: one.body(),
        }
    }

    /// All that the messages say, under the id of the one that was tried most.
    fn as_one(&self) -> Announcement {
        let most = self
            .announced
            .iter()
            .max_by_key(|announcement| announcement.tries);
        let mut one = most
            .expect("only a batch that announces something can fail")
            .clone();
        for other in &self.announced {
            one.first = one.first.min(other.first);
            one.last = one.last.max(other.last);
        }
        one
    }
}

/// A dead letter at once, which goes back to `queue` when it is replayed.
pub(super) fn not_understood(
    delivery: &Delivery,
    reason: &str,
    topology: &Topology,
    queue: String,
) -> Outgoing {
    tracing::error!(queue, reason, "a message becomes a dead letter");
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    Outgoing {
        exchange: topology.dead(),
        routing_key: queue,
        properties: persistent(&id(&delivery.properties)).with_headers(headers),
        body: delivery.data.clone(),
    }
}
