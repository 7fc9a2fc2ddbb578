//! Parked creates: taken in batches, handed to the writers like any request, acknowledged when all of a batch are settled.
//!
//! One worker at a time has the queue, so creates are applied in the order in which they were parked as long as nothing
//! fails. A create that is delivered again is answered by its key, and changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tiro_core::{ApplicationNeed, Failure, Unavailable};
use tokio::sync::watch;
use tokio::time::sleep;

use super::keeping::{Held, Keeping, arrived, stopped};
use super::{HOLD_WITHIN, batch};
use crate::backoff::Backoff;
use crate::nodes::Troubles;
use crate::rabbitmq::{Broker, ParkedCreate, Publisher, RabbitError, answered};
use crate::writes::Writes;

/// Messages that are held at once: with their largest size, what a worker keeps in memory.
const PREFETCH: u16 = 100;

/// The consumer of parked creates.
pub(crate) struct ParkedConsumer {
    pub(crate) broker: Broker,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) writes: Arc<Writes>,
    /// Tries of a create before it becomes a dead letter.
    pub(crate) tries_max: u32,
    /// How long what runs may go on after the stop.
    pub(crate) stop_within: Duration,
    pub(crate) troubles: Troubles,
}

/// What the others are told where RabbitMQ does not allow it.
const TROUBLE: &str = "parked creates are not applied";

/// What came of a create that was neither applied nor rejected.
enum Unsettled {
    /// Something is away: it is tried until it is back.
    Away(ParkedCreate, String),
    Failed(ParkedCreate, String),
}

impl ParkedConsumer {
    /// Applies until it is stopped. What runs then is finished within `stop_within`; everything else is given back.
    pub(crate) async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let session = |connection: Arc<Connection>| {
            let (consumer, stop) = (self.clone(), stop.clone());
            async move { consumer.session(&connection, stop).await }
        };
        let keeping = Keeping {
            broker: &self.broker,
            topology: self.publisher.topology(),
            troubles: &self.troubles,
            trouble: TROUBLE,
        };
        keeping.consume(stop.clone(), session).await;
    }

    async fn session(&self, connection: &Connection, stop: watch::Receiver<bool>) -> Option<RabbitError> {
        let mut stopping = stop.clone();
        let bounded = async {
            stopped(&mut stopping).await;
            sleep(self.stop_within).await;
        };
        tokio::select! {
            lost = self.work(connection, stop) => lost.err(),
            () = bounded => {
                tracing::warn!("parked creates that were not settled in time are given back");
                None
            }
        }
    }

    async fn work(
        &self,
        connection: &Connection,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), RabbitError> {
        let (channel, mut consumer) = answered(self.consume(connection)).await?;
        self.troubles.end(TROUBLE);
        loop {
            let first = tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                first = consumer.next() => first,
            };
            let mut deliveries = vec![arrived(first)?];
            while deliveries.len() < usize::from(PREFETCH)
                && let Some(more) = consumer.next().now_or_never()
            {
                deliveries.push(arrived(more)?);
            }
            let held = Held {
                publisher: &self.publisher,
                channel: &channel,
                stop: &mut stop,
            };
            if !self.settle(held, deliveries).await? {
                return Ok(());
            }
        }
    }

    async fn consume(&self, connection: &Connection) -> Result<(Channel, Consumer), RabbitError> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let queue = self.publisher.topology().parked();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel
            .basic_consume(queue.into(), "".into(), options, arguments)
            .await?;
        Ok((channel, consumer))
    }

    /// Whether all were settled and acknowledged; else it was stopped, and they are given back.
    async fn settle(&self, mut held: Held<'_>, deliveries: Vec<Delivery>) -> Result<bool, RabbitError> {
        let topology = self.publisher.topology();
        let last_tag = deliveries.iter().map(|delivery| delivery.delivery_tag).max();
        let mut left = Vec::new();
        for delivery in &deliveries {
            match ParkedCreate::read(delivery) {
                Ok(create) => left.push(create),
                Err(reason) => {
                    let dead = batch::not_understood(delivery, &reason, topology, topology.parked());
                    if !held.hand_over(dead).await? {
                        return Ok(false);
                    }
                }
            }
        }
        drop(deliveries);
        let began = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        while !left.is_empty() {
            let mut away = Vec::new();
            for unsettled in self.apply(left).await {
                let aside = match unsettled {
                    Unsettled::Away(create, _) if began.elapsed() < HOLD_WITHIN => {
                        away.push(create);
                        continue;
                    }
                    Unsettled::Away(create, reason) => create.put_aside(topology, &reason),
                    Unsettled::Failed(create, reason) => create.failed(topology, self.tries_max, &reason),
                };
                if !held.hand_over(aside).await? {
                    return Ok(false);
                }
            }
            left = away;
            if !left.is_empty() {
                tracing::warn!(creates = left.len(), "parked creates wait for MySQL");
                if !held.pause(&mut backoff).await? {
                    return Ok(false);
                }
            }
        }
        if let Some(last_tag) = last_tag {
            let all = BasicAckOptions { multiple: true };
            held.channel.basic_ack(last_tag, all).await?;
        }
        Ok(true)
    }

    /// Gives them to the writers in their order, and waits for all; those that are settled are not answered here.
    async fn apply(&self, creates: Vec<ParkedCreate>) -> Vec<Unsettled> {
        if let Err(reason) = self.know_applications(&creates).await {
            let away = |create| Unsettled::Away(create, reason.clone());
            return creates.into_iter().map(away).collect();
        }
        let outcomes = creates
            .iter()
            .map(|create| self.writes.apply(create.request.clone(), &create.operation));
        let outcomes = join_all(outcomes.collect::<Vec<_>>()).await;
        let unsettled = creates.into_iter().zip(outcomes);
        unsettled
            .filter_map(|(create, outcome)| match outcome {
                // A rejection was remembered in the transaction that decided it.
                Ok(_) | Err(Failure::Rejected(_)) => None,
                Err(Failure::Unavailable(away)) => Some(Unsettled::Away(create, said(&away))),
                Err(Failure::Internal(text)) => Some(Unsettled::Failed(create, text)),
            })
            .collect()
    }

    /// Requests of one application stay in order only where it is known which partition it is in.
    async fn know_applications(&self, creates: &[ParkedCreate]) -> Result<(), String> {
        for create in creates {
            if let ApplicationNeed::Token(token) = create.request.command.application()
                && let Err(Failure::Unavailable(away)) = self.writes.know(token).await
            {
                return Err(said(&away));
            }
        }
        Ok(())
    }
}

fn said(away: &Unavailable) -> String {
    format!("MySQL takes no writes: {:?}", away.shortage)
}
