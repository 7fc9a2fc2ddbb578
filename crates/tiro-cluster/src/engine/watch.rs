//! Looks after the systems that no acknowledged write needs, so that an operator is told what is away before it matters.
//!
//! Each is asked by itself, every few seconds: one that does not answer holds back no other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Client, RedisError};
use tiro_outbound::causes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::ClusterConfig;
use crate::mysql::pool::Pool;
use crate::nodes;
use crate::opensearch::SearchIndex;
use crate::rabbitmq::Broker;
use crate::rabbitmq::consumer::stopped;
use crate::redis::Connection;

/// From one answer to the next question.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// As often as nodes write their rows: while MySQL is away this is one more who asks it.
const ROWS_READ_EVERY: Duration = Duration::from_secs(5);
/// A system that takes longer is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Before that a silent connection to Redis is opened anew.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// Keys that are written to ask Redis: of several machines, as a Redis Cluster is, each has some of them.
const KEYS: usize = 16;
/// Until Redis forgets them.
const KEPT_MS: u64 = 10_000;

/// What is amiss with a system, and what clients see of it.
struct System {
    name: &'static str,
    consequence: &'static str,
    trouble: Mutex<Option<Amiss>>,
}

/// What is amiss.
enum Amiss {
    /// It cannot be reached, or does not answer.
    Away(String),
    /// It answers that it does not do what it is asked for.
    Refuses(String),
}

impl fmt::Display for Amiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amiss::Away(text) => write!(f, "is away: {text}"),
            Amiss::Refuses(text) => write!(f, "is there and refuses: {text}"),
        }
    }
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
        Some(format!("{} {trouble}. {}", self.name, self.consequence))
    }

    /// Logged where it changes.
    fn note(&self, answer: Result<(), Amiss>) {
        let mut trouble = self.trouble.lock();
        match (&answer, trouble.is_some()) {
            (Ok(()), true) => tracing::info!(system = self.name, "it is back"),
            (Err(amiss), false) => {
                tracing::warn!("{} {amiss}. {}", self.name, self.consequence);
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
    /// What workers are kept from, as they say.
    workers: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    /// Asks from now on, until it is stopped.
    pub(super) fn start(
        config: &ClusterConfig,
        redis: &Client,
        (pool, index): (Pool, SearchIndex),
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
            workers: Arc::default(),
        };
        let index = index.hasty();
        let redis = Connection::new(redis.clone());
        let rabbitmq = Arc::new(Rabbit::new(Broker::of(config)));
        let (of_redis, of_rabbitmq, of_opensearch) = (
            Arc::clone(&watch.redis),
            Arc::clone(&watch.rabbitmq),
            Arc::clone(&watch.opensearch),
        );
        let keys: Arc<[String]> = (0..KEYS)
            .map(|key| format!("{}.watch.{key}", config.name))
            .collect();
        parts.spawn(look_after(
            of_redis,
            move || write(redis.clone(), Arc::clone(&keys)),
            stop.clone(),
        ));
        parts.spawn(hear_workers(Arc::clone(&watch.workers), pool, stop.clone()));
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
            .chain(self.workers.lock().clone())
    }
}

/// Looks at the rows of nodes. While MySQL does not answer nothing is known.
async fn hear_workers(told: Arc<Mutex<Vec<String>>>, pool: Pool, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            answer = timeout(ANSWER_WITHIN, nodes::troubles(&pool)) => {
                let troubles = match answer {
                    Ok(Ok(troubles)) => troubles,
                    Ok(Err(_)) | Err(_) => Vec::new(),
                };
                let remark = |(role, trouble): (String, String)| {
                    format!("A {role} has trouble: {trouble}. `tiro status` says which one.")
                };
                *told.lock() = troubles.into_iter().map(remark).collect();
            }
            () = stopped(&mut stop) => return,
        }
        tokio::select! {
            () = sleep(ROWS_READ_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

async fn look_after<Asking: Future<Output = Result<(), Amiss>> + Send>(
    system: Arc<System>,
    mut ask: impl FnMut() -> Asking + Send,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            answer = timeout(ANSWER_WITHIN, ask()) => {
                let silent = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                system.note(answer.unwrap_or(Err(Amiss::Away(silent))));
            }
            () = stopped(&mut stop) => return,
        }
        tokio::select! {
            () = sleep(ASKED_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Writes a little, as rate limits and pages do: a Redis that is full, read-only or in pieces answers a PING all the same.
async fn write(redis: Connection, keys: Arc<[String]>) -> Result<(), Amiss> {
    let writing = |mut redis| async move {
        let mut each = redis::pipe();
        for key in &*keys {
            each.cmd("SET").arg(key).arg("").arg("PX").arg(KEPT_MS).ignore();
        }
        each.query_async::<()>(&mut redis).await
    };
    redis.ask(WRITTEN_WITHIN, writing).await.map_err(amiss)
}

fn amiss(error: RedisError) -> Amiss {
    let text = causes(&error);
    let answered = error.into_server_errors();
    let Some((_, refused)) = answered.as_deref().and_then(|answered| answered.first()) else {
        return Amiss::Away(text);
    };
    let mut said = refused.code().to_owned();
    if let Some(details) = refused.details() {
        said = format!("{said} {}", details.trim_end_matches('.'));
    }
    Amiss::Refuses(match refused.code() {
        "MOVED" => format!("{said} (a Redis Cluster; Tiro needs one Redis that holds all of its keys)"),
        _ => said,
    })
}

async fn find(index: SearchIndex) -> Result<(), Amiss> {
    let found = index.current().await;
    found.map(|_| ()).map_err(|error| Amiss::Away(error.to_string()))
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

    async fn ask(self: Arc<Self>) -> Result<(), Amiss> {
        let kept = self.connection.lock().take();
        let connection = match kept.filter(|connection| connection.status().connected()) {
            Some(connection) => connection,
            None => {
                let connected = self.broker.connect("tiro api").await;
                connected.map_err(|error| Amiss::Away(error.to_string()))?
            }
        };
        let asked = async {
            let channel = connection.create_channel().await?;
            channel.close(200, "done".into()).await
        };
        asked
            .await
            .map_err(|error: lapin::Error| Amiss::Away(causes(&error)))?;
        *self.connection.lock() = Some(connection);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a Redis answers to whoever may do nothing but write a key of another.
    #[tokio::test]
    async fn a_redis_that_answers_a_ping_and_takes_no_writes_is_told_from_one_that_is_away() {
        let file =
            std::env::var_os("TIRO_CLUSTER").expect("TIRO_CLUSTER names the file of a running cluster");
        let config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let client = Client::open(config.redis.as_str()).expect("it is an address");
        let mut redis = client
            .get_multiplexed_async_connection()
            .await
            .expect("Redis answers");
        let user = format!("test-{:08x}", fastrand::u32(..));
        let mut rights = redis::cmd("ACL");
        rights
            .arg("SETUSER")
            .arg(&user)
            .arg(&["on", "nopass", "~none.*", "+@all"]);
        rights.exec_async(&mut redis).await.expect("an account is made");
        let narrow = config
            .redis
            .replacen("redis://", &format!("redis://{user}:any@"), 1);
        let keys: Arc<[String]> = [format!("{user}.watch.0")].into();
        let ask = |address: String| {
            let client = Client::open(address).expect("it is an address");
            write(Connection::new(client), Arc::clone(&keys))
        };
        let full = ask(config.redis.clone()).await.map_err(|amiss| amiss.to_string());
        assert_eq!(full, Ok(()));
        let refused = ask(narrow)
            .await
            .expect_err("it may not write that key")
            .to_string();
        assert!(refused.starts_with("is there and refuses: NOPERM"), "{refused}");
        let away = ask("redis://127.0.0.1:1".to_owned()).await;
        let away = away.expect_err("nobody is there").to_string();
        assert!(away.starts_with("is away: "), "{away}");
        redis::cmd("ACL")
            .arg("DELUSER")
            .arg(&user)
            .exec_async(&mut redis)
            .await
            .expect("the account is removed");
    }

    #[test]
    fn a_full_redis_refuses_and_one_of_several_is_said_to_be_a_redis_cluster() {
        let said = |line: &str| {
            let value = redis::parse_redis_value(line.as_bytes()).expect("it is an answer");
            amiss(value.extract_error().expect_err("it is an error")).to_string()
        };
        let full = said("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
        assert!(
            full.starts_with("is there and refuses: OOM") && full.ends_with("'maxmemory'"),
            "{full}"
        );
        let moved = said("-MOVED 9056 127.0.0.1:7001\r\n");
        assert!(moved.contains("a Redis Cluster"), "{moved}");
    }
}
