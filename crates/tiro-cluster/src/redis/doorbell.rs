//! The doorbell: "application X has moved to position N", told to every node after a commit.
//!
//! Ringing only notes it: what an application moved to meanwhile is one ring. A task sends what was noted; what cannot be
//! sent is forgotten. Whoever listens is also told when rings may have been missed, and then looks by itself.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;
use redis::aio::PubSub;
use redis::{Client, RedisResult};
use tiro_core::ApplicationId;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::{Connection, UNHURRIED};
use crate::backoff::Backoff;
use crate::rabbitmq::consumer::stopped;

/// Applications that are noted and not sent; more are forgotten, and found by whoever looks.
const NOTED_MAX: usize = 10_000;
/// Applications in one message of Redis.
const MESSAGE_MAX: usize = 500;
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A subscription that was silent for so long is asked whether it is still there.
const SILENT_MOST: Duration = Duration::from_secs(5);

/// What a listener is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The feed of the application goes to this position, or further.
    Moved {
        /// Which application.
        application: ApplicationId,
        /// Its position; that of a late ring is an old one.
        position: u64,
    },
    /// Redis was away: any application may have moved.
    MayHaveMissed,
}

/// The doorbell of a cluster; clones are the same one.
#[derive(Clone)]
pub struct Doorbell {
    client: Client,
    channel: Arc<str>,
    noted: Arc<Noted>,
}

#[derive(Default)]
struct Noted {
    positions: Mutex<HashMap<ApplicationId, u64>>,
    some: Notify,
}

impl Doorbell {
    /// Rings and listens for the cluster `name`. It connects later.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Doorbell {
        Doorbell {
            client,
            channel: format!("{name}.moved").into(),
            noted: Arc::default(),
        }
    }

    /// Notes that an application moved. It does not wait for anything; [`Doorbell::send`] has to run for it to be told.
    pub fn ring(&self, application: ApplicationId, position: u64) {
        let mut positions = self.noted.positions.lock();
        let full = positions.len() >= NOTED_MAX;
        if let Some(noted) = positions.get_mut(&application) {
            *noted = (*noted).max(position);
        } else if !full {
            positions.insert(application, position);
        }
        drop(positions);
        self.noted.some.notify_one();
    }

    /// Sends what is noted, until it is stopped.
    pub async fn send(self, mut stop: watch::Receiver<bool>) {
        let redis = Connection::new(self.client.clone());
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        let mut away = false;
        while !*stop.borrow() {
            tokio::select! {
                () = self.noted.some.notified() => {}
                () = stopped(&mut stop) => return,
            }
            let noted = std::mem::take(&mut *self.noted.positions.lock());
            let sent = self.publish(&redis, noted).await;
            match &sent {
                Ok(()) if away => tracing::info!("changes are told through Redis again"),
                Err(error) if !away => tracing::warn!(%error, "changes are not told through Redis for now"),
                Ok(()) | Err(_) => {}
            }
            away = sent.is_err();
            if away {
                tokio::select! {
                    () = sleep(backoff.delay()) => {}
                    () = stopped(&mut stop) => return,
                }
            } else {
                backoff.reset();
            }
        }
    }

    async fn publish(&self, redis: &Connection, noted: HashMap<ApplicationId, u64>) -> RedisResult<()> {
        for message in messages(noted) {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(&*self.channel).arg(message);
            let publish = |mut redis| async move { publish.query_async::<i64>(&mut redis).await };
            redis.ask(UNHURRIED, publish).await?;
        }
        Ok(())
    }

    /// Calls `told` for every ring of any node, also of this one, until it is stopped. `told` must not wait.
    pub async fn listen(self, mut told: impl FnMut(Rung) + Send, mut stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut away = false;
        while !*stop.borrow() {
            let hear = async {
                let error = match timeout(CONNECT_WITHIN, self.subscribe()).await {
                    Ok(Ok(subscription)) => {
                        if away {
                            tracing::info!("changes are heard of through Redis again");
                        }
                        away = false;
                        backoff.reset();
                        told(Rung::MayHaveMissed);
                        hear(subscription, &mut told).await;
                        "the connection was lost".to_owned()
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it did not answer in time".to_owned(),
                };
                if !away {
                    tracing::warn!(error, "changes are not heard of through Redis for now");
                }
                away = true;
                sleep(backoff.delay()).await;
            };
            tokio::select! {
                () = hear => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    async fn subscribe(&self) -> RedisResult<PubSub> {
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(&*self.channel).await?;
        Ok(subscription)
    }
}

/// Until the connection is lost, or a silent one does not answer.
async fn hear(subscription: PubSub, told: &mut impl FnMut(Rung)) {
    let (mut ask, mut messages) = subscription.split();
    loop {
        match timeout(SILENT_MOST, messages.next()).await {
            Ok(Some(message)) => read(message.get_payload_bytes(), &mut *told),
            Ok(None) => return,
            Err(_) => {
                let answered: Result<RedisResult<redis::Value>, _> =
                    timeout(CONNECT_WITHIN, ask.ping()).await;
                if !matches!(answered, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// Lines of `application position`.
fn messages(positions: HashMap<ApplicationId, u64>) -> Vec<String> {
    let positions: Vec<_> = positions.into_iter().collect();
    let message = |chunk: &[(ApplicationId, u64)]| {
        let mut lines = String::new();
        for (application, position) in chunk {
            writeln!(lines, "{} {position}", application.0).expect("a String takes everything");
        }
        lines
    };
    positions.chunks(MESSAGE_MAX).map(message).collect()
}

/// What is not understood was sent by another version: anything may have moved.
fn read(message: &[u8], mut told: impl FnMut(Rung)) {
    let Ok(lines) = std::str::from_utf8(message) else {
        return told(Rung::MayHaveMissed);
    };
    for line in lines.lines() {
        told(moved(line).unwrap_or(Rung::MayHaveMissed));
    }
}

fn moved(line: &str) -> Option<Rung> {
    let (application, position) = line.split_once(' ')?;
    Some(Rung::Moved {
        application: ApplicationId(application.parse().ok()?),
        position: position.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(message: &[u8]) -> Vec<Rung> {
        let mut rungs = Vec::new();
        read(message, |rung| rungs.push(rung));
        rungs
    }

    fn bell() -> Doorbell {
        Doorbell::new(Client::open("redis://127.0.0.1:1").unwrap(), "test")
    }

    #[test]
    fn rings_of_one_application_are_one() {
        let bell = bell();
        for position in [3, 5, 4] {
            bell.ring(ApplicationId(7), position);
        }
        let messages = messages(std::mem::take(&mut *bell.noted.positions.lock()));
        assert_eq!(messages, ["7 5\n"]);
        let moved = Rung::Moved {
            application: ApplicationId(7),
            position: 5,
        };
        assert_eq!(heard(messages[0].as_bytes()), [moved]);
    }

    #[test]
    fn what_is_noted_is_bounded() {
        let bell = bell();
        for application in 0..u32::try_from(NOTED_MAX).unwrap() + 10 {
            bell.ring(ApplicationId(application), 1);
        }
        assert_eq!(bell.noted.positions.lock().len(), NOTED_MAX);
    }

    #[test]
    fn what_is_not_understood_may_be_anything() {
        for message in [&b"7"[..], b"x 1", b"7 x", b"\xff"] {
            assert_eq!(heard(message), [Rung::MayHaveMissed]);
        }
    }
}
