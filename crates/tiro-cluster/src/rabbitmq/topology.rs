//! The queues of a cluster: their names, what they are like, and how they come to be.
//!
//! A partition's queue has one active consumer, so its work is done in order, whichever worker does it; so has that of parked
//! creates, which are applied as they were parked as long as nothing fails. What fails waits
//! in the queue of a delay, from where RabbitMQ puts it back at the end of its queue; what failed too often
//! is in the queue of dead letters. All are quorum queues, which refuse what they have no room for; nothing is dropped.

use std::time::Duration;

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::RabbitError;

/// Messages of a partition that wait; the relay holds its cursor while there is no room, and one message then says what
/// many would have said.
const PARTITION_MESSAGES_MAX: i64 = 1_000;
const DEAD_MESSAGES_MAX: i64 = 10_000;
/// Parked creates that wait, and their bytes: beyond that nothing more is parked.
const PARKED_MESSAGES_MAX: i64 = 1_000_000;
const PARKED_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// Workers that die over one message; then it is a dead letter.
const DEATHS_MAX: i64 = 20;
/// Looking at dead letters counts as delivering them, and RabbitMQ 4 would drop them after 20 looks. "Without a limit" is
/// spelled differently before and after RabbitMQ 4; a number that is never reached is understood by both.
const LOOKS_MAX: i64 = 1_000_000_000;

/// What a cluster has in RabbitMQ.
#[derive(Clone, Debug)]
pub struct Topology {
    /// What every name begins with.
    pub name: String,
    /// The partitions of the cluster.
    pub partitions: Vec<u16>,
    /// How long work waits after its first, second … failure; the last one is for all that follow. At least one.
    pub delays: Vec<Duration>,
}

impl Topology {
    /// With delays of 1, 5 and 30 s.
    #[must_use]
    pub fn new(name: &str, partitions: Vec<u16>) -> Topology {
        Topology {
            name: name.to_owned(),
            partitions,
            delays: [1, 5, 30].map(Duration::from_secs).to_vec(),
        }
    }

    /// The queue of a partition.
    #[must_use]
    pub fn partition(&self, partition: u16) -> String {
        format!("{}.changes.{partition}", self.name)
    }

    /// The queue of parked creates. It holds what nothing else does.
    #[must_use]
    pub fn parked(&self) -> String {
        format!("{}.parked", self.name)
    }

    /// Exchange and queue of dead letters.
    #[must_use]
    pub fn dead(&self) -> String {
        format!("{}.dead", self.name)
    }

    /// Exchange and queue of what waits after so many failures, at least one. The delay is in the name, so that other
    /// delays make other queues and what waits in the old ones still comes back.
    #[must_use]
    pub fn retry(&self, failures: u32) -> String {
        let at = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
        self.waiting(self.delays[at.min(self.delays.len() - 1)])
    }

    pub(crate) fn waiting(&self, delay: Duration) -> String {
        format!("{}.retry.{}ms", self.name, delay.as_millis())
    }

    /// Makes what is missing. What is there already stays as it is.
    ///
    /// # Errors
    /// Also when something of that name is there and is of another kind; the channel is unusable then.
    pub async fn declare(&self, channel: &Channel) -> Result<(), RabbitError> {
        fanout(
            channel,
            &self.dead(),
            quorum(&[
                ("x-delivery-limit", LOOKS_MAX),
                ("x-max-length", DEAD_MESSAGES_MAX),
            ]),
        )
        .await?;
        for delay in &self.delays {
            let ttl = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            let arguments = dead_lettering(quorum(&[("x-message-ttl", ttl)]), "");
            fanout(channel, &self.waiting(*delay), arguments).await?;
        }
        for partition in &self.partitions {
            let limits = [
                ("x-delivery-limit", DEATHS_MAX),
                ("x-max-length", PARTITION_MESSAGES_MAX),
            ];
            let mut arguments = dead_lettering(quorum(&limits), &self.dead());
            arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
            queue(channel, &self.partition(*partition), arguments).await?;
        }
        let limits = [
            ("x-delivery-limit", DEATHS_MAX),
            ("x-max-length", PARKED_MESSAGES_MAX),
            ("x-max-length-bytes", PARKED_BYTES_MAX),
        ];
        let mut arguments = dead_lettering(quorum(&limits), &self.dead());
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        queue(channel, &self.parked(), arguments).await
    }

    /// Removes all of it, with what is in it.
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub async fn delete(&self, channel: &Channel) -> Result<(), RabbitError> {
        let queues = QueueDeleteOptions::default();
        for partition in &self.partitions {
            channel
                .queue_delete(self.partition(*partition).into(), queues)
                .await?;
        }
        channel.queue_delete(self.parked().into(), queues).await?;
        let waiting = self.delays.iter().map(|delay| self.waiting(*delay));
        for name in waiting.chain([self.dead()]) {
            channel.queue_delete(name.as_str().into(), queues).await?;
            channel
                .exchange_delete(name.into(), ExchangeDeleteOptions::default())
                .await?;
        }
        Ok(())
    }
}

fn quorum(limits: &[(&'static str, i64)]) -> FieldTable {
    let mut arguments = FieldTable::default();
    let texts = [("x-queue-type", "quorum"), ("x-overflow", "reject-publish")];
    for (name, text) in texts {
        arguments.insert(name.into(), AMQPValue::LongString(text.into()));
    }
    for (name, limit) in limits {
        arguments.insert((*name).into(), AMQPValue::LongLongInt(*limit));
    }
    arguments
}

/// What leaves the queue without being done goes to `exchange`, under the name it came with, and is let go of only when
/// it has arrived there.
fn dead_lettering(mut arguments: FieldTable, exchange: &str) -> FieldTable {
    let texts = [
        ("x-dead-letter-exchange", exchange),
        ("x-dead-letter-strategy", "at-least-once"),
    ];
    for (name, text) in texts {
        arguments.insert(name.into(), AMQPValue::LongString(text.into()));
    }
    arguments
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), RabbitError> {
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    Ok(())
}

/// A queue, and an exchange of the same name that puts everything into it, whatever it is addressed to.
async fn fanout(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), RabbitError> {
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(name.into(), ExchangeKind::Fanout, durable, FieldTable::default())
        .await?;
    queue(channel, name, arguments).await?;
    channel
        .queue_bind(
            name.into(),
            name.into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_delay_is_for_all_that_follow() {
        let topology = Topology::new("tiro", vec![0]);
        let names = [1, 2, 3, 4, u32::MAX].map(|failures| topology.retry(failures));
        let delays = ["1000ms", "5000ms", "30000ms", "30000ms", "30000ms"];
        assert_eq!(names, delays.map(|delay| format!("tiro.retry.{delay}")));
    }
}
