//! Looks after the systems that no acknowledged write needs, so that an operator is told what is away before it matters.
//!
//! Each is asked by itself, every few seconds: one that does not answer holds back no other.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Client;
use tiro_outbound::causes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::ClusterConfig;
use crate::opensearch::SearchIndex;
use crate::rabbitmq::Broker;
use crate::rabbitmq::consumer::stopped;
use crate::redis::Connection;

/// From one answer to the next question.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// A system that takes longer is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Before that a silent connection to Redis is opened anew.
const PONG_WITHIN: Duration = Duration::from_secs(1);

/// What is amiss with a system, and what clients see of it.
struct System {
    name: &'static str,
    consequence: &'static str,
    trouble: Mutex<Option<String>>,
}

impl System {
    fn new(name: &'static str, consequence: &'static str) -> Arc<System> {
        Arc::new(System {
            name,
            consequence,
            trouble: Mutex::new(None),
        })
    }

    fn remark(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        let trouble = trouble.as_ref()?;
        Some(format!("{} is away: {trouble}. {}", self.name, self.consequence))
    }

    /// Logged where it changes.
    fn note(&self, answer: Result<(), String>) {
        let mut trouble = self.trouble.lock();
        match (&answer, trouble.is_some()) {
            (Ok(()), true) => tracing::info!(system = self.name, "it is back"),
            (Err(text), false) => {
                tracing::warn!(system = self.name, text, "it is away. {}", self.consequence);
            }
            (Ok(()), false) | (Err(_), true) => {}
        }
        *trouble = answer.err();
    }
}

/// What is known of the systems.
pub(super) struct Watch {
    redis: Arc<System>,
    rabbitmq: Arc<System>,
    opensearch: Arc<System>,
}

impl Watch {
    /// Asks from now on, until it is stopped.
    pub(super) fn start(
        config: &ClusterConfig,
        redis: &Client,
        index: SearchIndex,
        parts: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) -> Watch {
        let watch = Watch {
            redis: System::new(
                "Redis",
                "Streams hear of what other nodes write up to 250 ms later, shared rate limits let pass, and \
                 pages are read from MySQL.",
            ),
            rabbitmq: System::new(
                "RabbitMQ",
                "Search reads the newest messages from MySQL, and creates are not parked (503).",
            ),
            opensearch: System::new(
                "OpenSearch",
                "Searches are complete while what it lacks can be read from MySQL, else 503.",
            ),
        };
        let index = index.hasty();
        let redis = Connection::new(redis.clone());
        let rabbitmq = Arc::new(Rabbit::new(Broker::of(config)));
        let (of_redis, of_rabbitmq, of_opensearch) = (
            Arc::clone(&watch.redis),
            Arc::clone(&watch.rabbitmq),
            Arc::clone(&watch.opensearch),
        );
        parts.spawn(look_after(of_redis, move || ping(redis.clone()), stop.clone()));
        parts.spawn(look_after(
            of_rabbitmq,
            move || Arc::clone(&rabbitmq).ask(),
            stop.clone(),
        ));
        parts.spawn(look_after(
            of_opensearch,
            move || find(index.clone()),
            stop.clone(),
        ));
        watch
    }

    /// What is away, a sentence or two each.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        [&self.redis, &self.rabbitmq, &self.opensearch]
            .into_iter()
            .filter_map(|system| system.remark())
    }
}

async fn look_after<Asking: Future<Output = Result<(), String>> + Send>(
    system: Arc<System>,
    mut ask: impl FnMut() -> Asking + Send,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            answer = timeout(ANSWER_WITHIN, ask()) => {
                let silent = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                system.note(answer.unwrap_or(Err(silent)));
            }
            () = stopped(&mut stop) => return,
        }
        tokio::select! {
            () = sleep(ASKED_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

async fn ping(redis: Connection) -> Result<(), String> {
    let ping = |mut redis| async move { redis::cmd("PING").query_async::<String>(&mut redis).await };
    let pong = redis.ask(PONG_WITHIN, ping).await;
    pong.map(|_| ()).map_err(|error| causes(&error))
}

async fn find(index: SearchIndex) -> Result<(), String> {
    let found = index.current().await;
    found.map(|_| ()).map_err(|error| error.to_string())
}

/// A connection to RabbitMQ that is kept while it answers: heartbeats alone would notice a silent one after 20 s.
struct Rabbit {
    broker: Broker,
    connection: Mutex<Option<lapin::Connection>>,
}

impl Rabbit {
    fn new(broker: Broker) -> Rabbit {
        Rabbit {
            broker,
            connection: Mutex::new(None),
        }
    }

    async fn ask(self: Arc<Self>) -> Result<(), String> {
        let kept = self.connection.lock().take();
        let connection = match kept.filter(|connection| connection.status().connected()) {
            Some(connection) => connection,
            None => {
                let connected = self.broker.connect("tiro api").await;
                connected.map_err(|error| error.to_string())?
            }
        };
        let asked = async {
            let channel = connection.create_channel().await?;
            channel.close(200, "done".into()).await
        };
        asked.await.map_err(|error: lapin::Error| causes(&error))?;
        *self.connection.lock() = Some(connection);
        Ok(())
    }
}
