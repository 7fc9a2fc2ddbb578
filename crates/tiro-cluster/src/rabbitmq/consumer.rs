//! Consuming: what arrives for a partition becomes one piece of work, and is acknowledged when the work is done.
//!
//! One connection, one channel a partition. RabbitMQ gives a partition to one worker at a time. The messages that have
//! arrived are taken together: the last position of all of them says what there is to do. A connection that was lost
//! gives everything back that was not acknowledged, and another one is opened.

mod batch;
mod keeping;
mod parked;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::batch::Batch;
use self::keeping::{Held, Keeping, arrived};
use super::{Broker, Publisher, RabbitError, answered};
use crate::backoff::Backoff;
use crate::nodes::{Share, Troubles};
use crate::worker::{IndexFailure, Indexer};

pub(crate) use self::keeping::stopped;
pub(crate) use self::parked::ParkedConsumer;

/// Well below the half hour after which RabbitMQ takes a message away from whoever does not acknowledge it.
const HOLD_WITHIN: Duration = Duration::from_secs(300);
/// A partition of another worker's share is left to it, but not more often.
const STEP_BACK_AFTER: Duration = Duration::from_secs(5);

/// Bounds of consuming.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Messages of a partition that this worker holds at once.
    pub(crate) prefetch: u16,
    /// Partitions that are worked on at once.
    pub(crate) partitions_at_once: usize,
    /// Tries of a piece of work before it becomes a dead letter.
    pub(crate) tries_max: u32,
    /// How long work that runs may go on after the stop.
    pub(crate) stop_within: Duration,
}

/// The consumers of all partitions.
pub(crate) struct Consumers<I> {
    pub(crate) broker: Broker,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) indexer: Arc<I>,
    pub(crate) bounds: Bounds,
    /// RabbitMQ lets whoever came first have a partition. Who has one of another's share queues up again behind it.
    pub(crate) share: watch::Receiver<Share>,
    pub(crate) troubles: Troubles,
}

/// What the others are told where RabbitMQ does not allow it.
const TROUBLE: &str = "changes are not indexed";

/// Why the work of a partition ended.
enum Ended {
    Stopped,
    SteppedBack(u16),
}

impl<I: Indexer> Consumers<I> {
    /// Works until it is stopped. What runs then is finished within `stop_within`; everything else is given back.
    pub(crate) async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let session = |connection: Arc<Connection>| {
            let (consumers, stop) = (self.clone(), stop.clone());
            async move { consumers.session(&connection, stop).await }
        };
        let keeping = Keeping {
            broker: &self.broker,
            topology: self.publisher.topology(),
            troubles: &self.troubles,
            trouble: TROUBLE,
        };
        keeping.consume(stop.clone(), session).await;
    }

    async fn consume(
        &self,
        connection: &Connection,
        partition: u16,
    ) -> Result<(Channel, Consumer), RabbitError> {
        let channel = connection.create_channel().await?;
        let qos = BasicQosOptions::default();
        channel.basic_qos(self.bounds.prefetch, qos).await?;
        let (queue, tag) = (self.publisher.topology().partition(partition), "");
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel
            .basic_consume(queue.into(), tag.into(), options, arguments)
            .await?;
        Ok((channel, consumer))
    }

    /// Works until the stop (`None`), or until one of the channels fails: then all begin anew.
    async fn session(
        self: &Arc<Self>,
        connection: &Connection,
        mut stop: watch::Receiver<bool>,
    ) -> Option<RabbitError> {
        let mut running = JoinSet::new();
        let bounded = {
            let mut stop = stop.clone();
            let within = self.bounds.stop_within;
            async move {
                stopped(&mut stop).await;
                sleep(within).await;
            }
        };
        tokio::select! {
            lost = self.work(connection, &mut running, &mut stop) => lost.err(),
            () = bounded => {
                tracing::warn!("work that did not end in time is given back");
                None
            }
        }
    }

    async fn work(
        self: &Arc<Self>,
        connection: &Connection,
        running: &mut JoinSet<Result<Ended, RabbitError>>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), RabbitError> {
        let at_once = Arc::new(Semaphore::new(self.bounds.partitions_at_once));
        let begin = async |running: &mut JoinSet<_>, partition| {
            let (channel, consumer) = answered(self.consume(connection, partition)).await?;
            let work = PartitionWork {
                consumers: self.clone(),
                at_once: at_once.clone(),
                partition,
                channel,
                stop: stop.clone(),
            };
            running.spawn(work.run(consumer));
            Ok::<(), RabbitError>(())
        };
        for partition in &self.publisher.topology().partitions {
            begin(running, *partition).await?;
        }
        self.troubles.end(TROUBLE);
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(Ok(Ended::Stopped)) => {}
                Ok(Ok(Ended::SteppedBack(partition))) => begin(running, partition).await?,
                Ok(Err(error)) => return Err(error),
                Err(error) => return Err(RabbitError::Away(error.to_string())),
            }
        }
        Ok(())
    }
}

/// The work of one partition on one channel.
struct PartitionWork<I> {
    consumers: Arc<Consumers<I>>,
    at_once: Arc<Semaphore>,
    partition: u16,
    channel: Channel,
    stop: watch::Receiver<bool>,
}

impl<I: Indexer> PartitionWork<I> {
    async fn run(mut self, mut consumer: Consumer) -> Result<Ended, RabbitError> {
        let began = Instant::now();
        loop {
            let first = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(Ended::Stopped),
                first = consumer.next() => first,
            };
            let mut batch = Batch::new(self.partition);
            batch.take(arrived(first)?);
            while batch.len() < usize::from(self.consumers.bounds.prefetch)
                && let Some(more) = consumer.next().now_or_never()
            {
                batch.take(arrived(more)?);
            }
            if !self.carry_out(&batch).await? {
                return Ok(Ended::Stopped);
            }
            let share = *self.consumers.share.borrow();
            if !share.has(self.partition) && began.elapsed() > STEP_BACK_AFTER {
                answered(self.channel.close(200, "for another worker".into())).await?;
                return Ok(Ended::SteppedBack(self.partition));
            }
        }
    }

    /// Whether it was acknowledged; else it was stopped, and the batch is given back.
    async fn carry_out(&mut self, batch: &Batch) -> Result<bool, RabbitError> {
        for message in batch.not_understood(self.consumers.publisher.topology()) {
            if !self.held().hand_over(message).await? {
                return Ok(false);
            }
        }
        if let Some(through) = batch.through() {
            let began = Instant::now();
            match self.index(through).await? {
                None => return Ok(false),
                Some(Ok(())) => {
                    let (partition, ms) = (self.partition, began.elapsed().as_millis());
                    tracing::debug!(partition, through, messages = batch.len(), ms, "indexed");
                }
                Some(Err(failure)) => {
                    let copy = batch.again(&failure, &self.consumers);
                    if !self.held().hand_over(copy).await? {
                        return Ok(false);
                    }
                }
            }
        }
        let all = BasicAckOptions { multiple: true };
        answered(self.channel.basic_ack(batch.last_tag(), all)).await?;
        Ok(true)
    }

    /// Tries as long as what it needs is away, but not for ever. `None` when it was stopped meanwhile.
    async fn index(&mut self, through: u64) -> Result<Option<Result<(), IndexFailure>>, RabbitError> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));
        let began = Instant::now();
        loop {
            let outcome = {
                let permit = self.at_once.acquire().await;
                let outcome = self.consumers.indexer.index(self.partition, through).await;
                drop(permit);
                outcome
            };
            match outcome {
                Err(IndexFailure::Unavailable(reason)) if began.elapsed() < HOLD_WITHIN => {
                    let partition = self.partition;
                    tracing::warn!(partition, through, reason, "indexing waits for what it needs");
                    if !self.held().pause(&mut backoff).await? {
                        return Ok(None);
                    }
                }
                outcome => return Ok(Some(outcome)),
            }
        }
    }

    fn held(&mut self) -> Held<'_> {
        Held {
            publisher: &self.consumers.publisher,
            channel: &self.channel,
            stop: &mut self.stop,
        }
    }
}
