//! What consumers of every kind do alike: connect again, wait without losing what they hold, and put aside what failed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lapin::message::Delivery;
use lapin::{Channel, Connection};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::backoff::Backoff;
use crate::nodes::Troubles;
use crate::rabbitmq::publisher::Outgoing;
use crate::rabbitmq::{Broker, Publisher, RabbitError, Topology, answered};

const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What consumes, whatever it is.
pub(super) struct Keeping<'a> {
    pub(super) broker: &'a Broker,
    pub(super) topology: &'a Topology,
    pub(super) troubles: &'a Troubles,
    /// What the others are told while RabbitMQ does not allow it. A session that has begun ends the trouble.
    pub(super) trouble: &'static str,
}

impl Keeping<'_> {
    /// Runs a session on a connection until the stop, and another one whenever the connection was lost. A session ends with why
    /// it was lost, or with `None` where it was stopped.
    pub(super) async fn consume<S: Future<Output = Option<RabbitError>>>(
        &self,
        mut stop: watch::Receiver<bool>,
        session: impl Fn(Arc<Connection>) -> S,
    ) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        while !*stop.borrow() {
            let connected = tokio::select! {
                connected = begin(self.broker, self.topology) => connected,
                () = stopped(&mut stop) => return,
            };
            let error = match connected {
                Ok(connection) => {
                    let connection = Arc::new(connection);
                    let lost = session(connection.clone()).await;
                    close(&connection).await;
                    // It denies again as soon as it is asked again.
                    if !matches!(lost, Some(RabbitError::Denied(_))) {
                        backoff.reset();
                    }
                    lost
                }
                Err(error) => Some(error),
            };
            let Some(error) = error else { return };
            match &error {
                RabbitError::Denied(text) => self.troubles.begin(self.trouble, text),
                // The API nodes see that by themselves.
                _ => self.troubles.end(self.trouble),
            }
            let delay = backoff.delay();
            tracing::warn!(%error, delay_ms = delay.as_millis(), "consuming was interrupted and begins anew");
            tokio::select! {
                () = sleep(delay) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }
}

async fn begin(broker: &Broker, topology: &Topology) -> Result<Connection, RabbitError> {
    let connection = broker.connect(&format!("{} consumes", topology.name)).await?;
    answered(async { topology.declare(&connection.create_channel().await?).await }).await?;
    Ok(connection)
}

async fn close(connection: &Connection) {
    match timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection was gone before it was closed"),
        Err(_) => tracing::debug!("the connection was not closed in time"),
    }
}

/// What a consumer needs while it holds messages that it has not acknowledged.
pub(super) struct Held<'a> {
    pub(super) publisher: &'a Publisher,
    /// The one that they came by.
    pub(super) channel: &'a Channel,
    pub(super) stop: &'a mut watch::Receiver<bool>,
}

impl Held<'_> {
    /// Whether it is with RabbitMQ again, confirmed; else it was stopped.
    pub(super) async fn hand_over(&mut self, message: Outgoing) -> Result<bool, RabbitError> {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        let message = [message];
        loop {
            let outcomes = self.publisher.publish(&message).await;
            let Some(Err(error)) = outcomes.into_iter().next() else {
                return Ok(true);
            };
            let queue = &message[0].routing_key;
            tracing::warn!(queue, %error, "what failed could not be put aside yet");
            if !self.pause(&mut backoff).await? {
                return Ok(false);
            }
        }
    }

    /// Whether to go on; an error when RabbitMQ has given the messages to another meanwhile.
    pub(super) async fn pause(&mut self, backoff: &mut Backoff) -> Result<bool, RabbitError> {
        tokio::select! {
            () = sleep(backoff.delay()) => {}
            () = stopped(self.stop) => return Ok(false),
        }
        if self.channel.status().connected() {
            Ok(true)
        } else {
            Err(RabbitError::Away("the channel was closed".to_owned()))
        }
    }
}

pub(super) fn arrived(next: Option<lapin::Result<Delivery>>) -> Result<Delivery, RabbitError> {
    match next {
        Some(delivery) => Ok(delivery?),
        None => Err(RabbitError::Away("the queue went away".to_owned())),
    }
}

/// Ends when it is to stop, also when nobody is left who could say so.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("whoever could say stop is gone");
    }
}
