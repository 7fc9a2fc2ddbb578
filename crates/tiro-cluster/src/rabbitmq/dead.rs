//! Dead letters: what was given up after too many tries. They are kept until somebody replays or drops them.
//!
//! A queue cannot be read without taking messages out, so every function takes what it looks at, and gives back what it
//! does not change; if it dies half way RabbitMQ gives everything back. Whoever looks at the same time sees the rest.

use std::time::Duration;

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use lapin::types::AMQPValue;
use lapin::{Channel, Connection};
use tokio::time::timeout;

use super::message::{REASON, header, id, tries};
use super::publisher::Outgoing;
use super::{Announcement, Broker, Publisher, RabbitError, answered};

/// Most dead letters that one call looks at.
pub const LOOK_MAX: usize = 10_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it in all other calls. Empty for a message that no Tiro wrote.
    pub id: String,
    /// Where it goes when it is replayed.
    pub queue: String,
    /// Why it was given up last.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// What it says; `None` where that is not understood.
    pub announcement: Option<Announcement>,
    /// The message as it is.
    pub body: String,
}

/// Which dead letters a call is about.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Those of this id.
    Id(&'a str),
    /// All that are there when it begins, at most [`LOOK_MAX`].
    All,
}

impl Which<'_> {
    fn has(&self, delivery: &Delivery) -> bool {
        match self {
            Which::Id(wanted) => id(&delivery.properties) == *wanted,
            Which::All => true,
        }
    }
}

/// The dead letters of a cluster.
pub struct DeadLetters {
    connection: Connection,
    channel: Channel,
    queue: String,
}

impl DeadLetters {
    /// Connects; what is missing in RabbitMQ is made.
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub async fn open(broker: &Broker, publisher: &Publisher) -> Result<DeadLetters, RabbitError> {
        let topology = publisher.topology();
        let connection = broker.connect(&format!("{} dead letters", topology.name)).await?;
        let channel = answered(connection.create_channel()).await?;
        answered(topology.declare(&channel)).await?;
        Ok(DeadLetters {
            connection,
            channel,
            queue: topology.dead(),
        })
    }

    /// The oldest ones, at most `limit` and [`LOOK_MAX`].
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>, RabbitError> {
        let taken = self.take(limit.min(LOOK_MAX)).await?;
        let letters = taken.iter().map(letter).collect();
        self.give_back(&taken).await?;
        Ok(letters)
    }

    /// The one of this id.
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub async fn show(&self, id: &str) -> Result<Option<DeadLetter>, RabbitError> {
        let letters = self.list(LOOK_MAX).await?;
        Ok(letters.into_iter().find(|letter| letter.id == id))
    }

    /// Puts them back into their queues, as if they had not been tried, and answers how many. One that could not be
    /// published stays a dead letter. One may be published and stay: then it is done twice, which harms nothing.
    ///
    /// # Errors
    /// When RabbitMQ is away, or refuses one.
    pub async fn replay(&self, which: Which<'_>, publisher: &Publisher) -> Result<usize, RabbitError> {
        let (wanted, others) = self.split(which).await?;
        let messages: Vec<Outgoing> = wanted.iter().map(replayed).collect();
        let outcomes = publisher.publish(&messages).await;
        let mut replayed = 0;
        let mut failed = None;
        for (delivery, outcome) in wanted.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    answered(delivery.ack(BasicAckOptions::default())).await?;
                    replayed += 1;
                }
                Err(error) => {
                    self.give_back(std::slice::from_ref(delivery)).await?;
                    failed = Some(error);
                }
            }
        }
        self.give_back(&others).await?;
        match failed {
            Some(error) => Err(error),
            None => Ok(replayed),
        }
    }

    /// Removes them for good, and answers how many.
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub async fn drop(&self, which: Which<'_>) -> Result<usize, RabbitError> {
        let (wanted, others) = self.split(which).await?;
        for delivery in &wanted {
            answered(delivery.ack(BasicAckOptions::default())).await?;
        }
        self.give_back(&others).await?;
        Ok(wanted.len())
    }

    /// Ends; RabbitMQ has then carried out all that was asked.
    ///
    /// # Errors
    /// When the connection was lost before.
    pub async fn close(self) -> Result<(), RabbitError> {
        let closed = timeout(ANSWER_WITHIN, self.connection.close(200, "done".into())).await;
        closed
            .map_err(|_| RabbitError::Unanswered)?
            .map_err(RabbitError::from)
    }

    async fn split(&self, which: Which<'_>) -> Result<(Vec<Delivery>, Vec<Delivery>), RabbitError> {
        let taken = self.take(LOOK_MAX).await?;
        Ok(taken.into_iter().partition(|delivery| which.has(delivery)))
    }

    async fn take(&self, limit: usize) -> Result<Vec<Delivery>, RabbitError> {
        let mut taken = Vec::new();
        while taken.len() < limit {
            let get = self
                .channel
                .basic_get(self.queue.as_str().into(), BasicGetOptions::default());
            let got = timeout(ANSWER_WITHIN, get)
                .await
                .map_err(|_| RabbitError::Unanswered)??;
            let Some(got) = got else { break };
            taken.push(got.delivery);
        }
        Ok(taken)
    }

    async fn give_back(&self, taken: &[Delivery]) -> Result<(), RabbitError> {
        let again = BasicNackOptions {
            requeue: true,
            ..BasicNackOptions::default()
        };
        for delivery in taken {
            answered(delivery.nack(again)).await?;
        }
        Ok(())
    }
}

fn letter(delivery: &Delivery) -> DeadLetter {
    let reason = match header(&delivery.properties, REASON) {
        Some(AMQPValue::LongString(reason)) => reason.to_string(),
        _ => "RabbitMQ gave up delivering it: workers ended while they worked on it".to_owned(),
    };
    DeadLetter {
        id: id(&delivery.properties),
        queue: delivery.routing_key.to_string(),
        reason,
        tries: tries(&delivery.properties),
        announcement: Announcement::read(delivery).ok(),
        body: String::from_utf8_lossy(&delivery.data).into_owned(),
    }
}

/// Without its headers: what is not understood stays as it is, all else begins with no try.
fn replayed(delivery: &Delivery) -> Outgoing {
    Outgoing {
        exchange: String::new(),
        routing_key: delivery.routing_key.to_string(),
        properties: super::message::persistent(&id(&delivery.properties)),
        body: delivery.data.clone(),
    }
}
