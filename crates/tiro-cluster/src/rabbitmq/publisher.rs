//! Publishing: a message counts as published when RabbitMQ has confirmed it, and not before.
//!
//! Confirms are awaited in a window, not one by one. One call at a time uses the connection: lapin hands a message that
//! came back to whichever confirm is resolved next, so only the returned message's own id says which one it was, and
//! only while all that are under way are known.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::message::id;
use super::{Announcement, Broker, RabbitError, Topology};
use crate::backoff::Backoff;

/// Messages that wait for their confirm at once.
const WINDOW: usize = 256;
/// Of one call, however many messages it has.
const CONFIRM_WITHIN: Duration = Duration::from_secs(10);

/// Where a message goes, and what it says.
pub(super) struct Outgoing {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// Publishes on a connection of its own, which is opened when it is needed and again when it was lost.
pub struct Publisher {
    broker: Broker,
    topology: Topology,
    link: Mutex<Link>,
}

struct Link {
    open: Option<(Connection, Channel)>,
    backoff: Backoff,
    /// Nobody connects before; that it failed last is said at once.
    not_before: Instant,
    failed: Option<RabbitError>,
}

impl Publisher {
    /// Connects with the first call that publishes.
    #[must_use]
    pub fn new(broker: Broker, topology: Topology) -> Publisher {
        Publisher {
            broker,
            topology,
            link: Mutex::new(Link {
                open: None,
                backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
                not_before: Instant::now(),
                failed: None,
            }),
        }
    }

    /// The queues it publishes to.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Tells the workers, and answers in the same order. Takes at most 20 s. What was not confirmed may have arrived
    /// nevertheless; publishing it again harms nothing.
    pub async fn announce(&self, announcements: &[Announcement]) -> Vec<Result<(), RabbitError>> {
        let messages = announcements.iter().map(|announcement| Outgoing {
            exchange: String::new(),
            routing_key: self.topology.partition(announcement.partition),
            properties: announcement.properties(None),
            body: announcement.body(),
        });
        self.publish(&messages.collect::<Vec<_>>()).await
    }

    /// As `announce`, for any message.
    pub(super) async fn publish(&self, messages: &[Outgoing]) -> Vec<Result<(), RabbitError>> {
        let mut link = self.link.lock().await;
        let channel = match self.channel(&mut link).await {
            Ok(channel) => channel,
            Err(error @ RabbitError::Address(_)) => return vec![Err(error); messages.len()],
            Err(error) => return vec![Err(RabbitError::Unreached(reason(error))); messages.len()],
        };
        let mut outcomes = vec![Err(RabbitError::Unanswered); messages.len()];
        let confirmed = timeout(CONFIRM_WITHIN, confirmed(&channel, messages, &mut outcomes)).await;
        // A queue that is missing is made when the next connection is.
        let broken = outcomes
            .iter()
            .any(|outcome| !matches!(outcome, Ok(()) | Err(RabbitError::Refused)));
        if confirmed.is_err() || broken || !channel.status().connected() {
            link.open = None;
        }
        outcomes
    }

    async fn channel(&self, link: &mut Link) -> Result<Channel, RabbitError> {
        if let Some((connection, channel)) = &link.open
            && connection.status().connected()
            && channel.status().connected()
        {
            return Ok(channel.clone());
        }
        if let Some(error) = &link.failed
            && Instant::now() < link.not_before
        {
            return Err(error.clone());
        }
        let opened = timeout(CONFIRM_WITHIN, self.open()).await;
        match opened.unwrap_or(Err(RabbitError::Unanswered)) {
            Ok(open) => {
                link.backoff.reset();
                link.failed = None;
                Ok(link.open.insert(open).1.clone())
            }
            Err(error) => {
                link.open = None;
                link.not_before = Instant::now() + link.backoff.delay();
                link.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn open(&self) -> Result<(Connection, Channel), RabbitError> {
        let connection = self
            .broker
            .connect(&format!("{} publishes", self.topology.name))
            .await?;
        let channel = connection.create_channel().await?;
        self.topology.declare(&channel).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok((connection, channel))
    }
}

/// What an error says, without the words that every one of its kind begins with.
fn reason(error: RabbitError) -> String {
    match error {
        RabbitError::Away(text) | RabbitError::Unreached(text) | RabbitError::Denied(text) => text,
        error => error.to_string(),
    }
}

async fn confirmed(channel: &Channel, messages: &[Outgoing], outcomes: &mut [Result<(), RabbitError>]) {
    let mut returned = HashSet::new();
    let mut under_way = FuturesUnordered::new();
    let mut rest = messages.iter().enumerate();
    loop {
        while under_way.len() < WINDOW
            && let Some((at, message)) = rest.next()
        {
            match send(channel, message).await {
                Ok(confirm) => under_way.push(async move { (at, confirm.await) }),
                Err(error) => outcomes[at] = Err(error.into()),
            }
        }
        let Some((at, confirmation)) = under_way.next().await else {
            break;
        };
        outcomes[at] = match confirmation {
            Ok(Confirmation::Ack(other)) => {
                returned.extend(other.map(|message| id(&message.delivery.properties)));
                Ok(())
            }
            Ok(Confirmation::Nack(other)) => {
                returned.extend(other.map(|message| id(&message.delivery.properties)));
                Err(RabbitError::Refused)
            }
            Ok(Confirmation::NotRequested) => Err(RabbitError::Unanswered),
            Err(error) => Err(error.into()),
        };
    }
    for (message, outcome) in messages.iter().zip(outcomes) {
        if returned.contains(&id(&message.properties)) {
            *outcome = Err(RabbitError::Unroutable);
        }
    }
}

async fn send(channel: &Channel, message: &Outgoing) -> lapin::Result<lapin::PublisherConfirm> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let (exchange, routing_key) = (
        message.exchange.as_str().into(),
        message.routing_key.as_str().into(),
    );
    channel
        .basic_publish(
            exchange,
            routing_key,
            options,
            &message.body,
            message.properties.clone(),
        )
        .await
}
