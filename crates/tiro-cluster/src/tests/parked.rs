//! Parked creates on the real systems: applied once, rejected once, and never lost where applying them fails.

use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use tiro_core::{Command, Engine, Failure, OperationState, Outcome, Parked, Rejection, Request, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::database::Database;
use super::requests::*;
use crate::ClusterEngine;
use crate::clock::{now_ms, system_clock};
use crate::lookups::Lookups;
use crate::mysql::migrations::SCHEMA_VERSION;
use crate::mysql::{Pool, connection, purge};
use crate::nodes::Troubles;
use crate::rabbitmq::consumer::ParkedConsumer;
use crate::rabbitmq::dead::{DeadLetters, Which};
use crate::rabbitmq::{Broker, ParkedCreate, Publisher, Topology};
use crate::writes::Writes;

/// Nothing that a test waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const TRIES_MAX: u32 = 3;

/// A database and queues of a test's own, and an engine that parks into them.
struct World {
    database: Database,
    engine: ClusterEngine,
    topology: Topology,
}

/// Runs a test in a new world with the application `app`, which has a chat, and removes the queues whatever happens.
async fn with_world<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Arc<World>) -> F) {
    let mut database = Database::new();
    database.config.name = format!("test-{:08x}", fastrand::u32(..));
    let engine = Box::pin(database.open()).await;
    begin(&engine, "app").await;
    let topology = Topology {
        delays: vec![Duration::from_millis(50)],
        ..Topology::new(&database.config.name, (0..database.config.partitions).collect())
    };
    let world = Arc::new(World {
        database,
        engine,
        topology,
    });
    let ended = tokio::spawn(timeout(PATIENCE, test(Arc::clone(&world)))).await;
    world.engine.close().await;
    let rabbitmq = world.rabbitmq().await;
    let channel = rabbitmq.create_channel().await.expect("a channel");
    world.topology.delete(&channel).await.expect("queues are deleted");
    // Those that the engine made, with its own delays.
    let of_engine = Topology::new(&world.database.config.name, Vec::new());
    of_engine.delete(&channel).await.expect("queues are deleted");
    rabbitmq.close(200, "done".into()).await.expect("it is closed");
    match ended {
        Ok(in_time) => in_time.expect("the test ends in time"),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// What a worker does with parked creates.
struct Applying {
    stop: watch::Sender<bool>,
    writes: Arc<Writes>,
    consumer: JoinHandle<()>,
}

impl Applying {
    async fn stop(self) {
        self.stop.send_replace(true);
        self.consumer.await.expect("the consumer ends");
        self.writes.close().await;
    }
}

impl World {
    async fn rabbitmq(&self) -> lapin::Connection {
        let connected = Broker::of(&self.database.config).connect("a test").await;
        connected.expect("RabbitMQ answers")
    }

    fn publisher(&self) -> Publisher {
        Publisher::new(Broker::of(&self.database.config), self.topology.clone())
    }

    fn apply(&self) -> Applying {
        let config = &self.database.config;
        let mysql = connection::options(config).expect("the file names a database");
        let lookups = Lookups::new(mysql.clone());
        let writes = Writes::start(
            mysql,
            config.partitions,
            lookups,
            system_clock(),
            Box::new(|_| ()),
        );
        let writes = Arc::new(writes);
        let (stop, stopped) = watch::channel(false);
        let consumer = Arc::new(ParkedConsumer {
            broker: Broker::of(config),
            publisher: Arc::new(self.publisher()),
            writes: Arc::clone(&writes),
            tries_max: TRIES_MAX,
            stop_within: Duration::from_secs(5),
            troubles: Troubles::default(),
        });
        Applying {
            stop,
            writes,
            consumer: tokio::spawn(consumer.run(stopped)),
        }
    }

    /// Parks a create and answers its operation.
    async fn park(&self, request: &Request) -> String {
        match self.engine.park(request.clone()).await {
            Ok(Parked::Kept(name)) => name,
            other => panic!("it is not parked: {other:?}"),
        }
    }

    async fn state(&self, name: &str) -> OperationState {
        let state = self.engine.operation(&token("app"), name).await;
        state.expect("the name was given out")
    }

    async fn ended(&self, name: &str) -> OperationState {
        loop {
            match self.state(name).await {
                OperationState::Pending => tokio::task::yield_now().await,
                ended => return ended,
            }
        }
    }

    /// Waits until everything that was parked before was delivered: the queue is worked through in order.
    async fn worked_through(&self, key: &str) {
        let last = self.park(&keyed(create_chat("app"), key)).await;
        assert!(matches!(self.ended(&last).await, OperationState::Applied(_)));
    }
}

fn message_number(state: OperationState) -> u64 {
    match state {
        OperationState::Applied(reply) => number(&reply),
        other => panic!("it was not applied: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_delivered_twice_is_stored_once() {
    with_world(|world| async move {
        let request = keyed(create_message("app", 1, "once"), "k");
        let name = world.park(&request).await;
        assert_eq!(world.state(&name).await, OperationState::Pending);
        assert_eq!(world.park(&request).await, name, "it is the same operation");
        let create = || {
            ParkedCreate::new(request.clone())
                .expect("random bytes")
                .expect("a create")
        };
        let again = world.publisher().park(&[create(), create()]).await;
        assert!(again.iter().all(Result::is_ok), "{again:?}");
        let applying = world.apply();
        assert_eq!(message_number(world.ended(&name).await), 1);
        world.worked_through("last").await;
        let direct = world.engine.write(request).await.expect("it is a replay");
        assert!(direct.replayed && number(&direct) == 1);
        let database = &world.database;
        assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 1);
        assert_eq!(
            database
                .number("SELECT COUNT(*) FROM changes WHERE kind = 7")
                .await,
            1
        );
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_are_applied_in_the_order_in_which_they_were_parked() {
    with_world(|world| async move {
        let mut names = Vec::new();
        for index in 0..250 {
            let command = create_message("app", 1, &format!("text {index}"));
            names.push(world.park(&keyed(command, &format!("k{index}"))).await);
        }
        let applying = world.apply();
        for (name, number) in names.iter().zip(1..) {
            assert_eq!(message_number(world.ended(name).await), number);
        }
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rejected_stays_rejected_however_often_it_is_delivered() {
    with_world(|world| async move {
        let applying = world.apply();
        let request = keyed(create_message("app", 9, "too early"), "k");
        let name = world.park(&request).await;
        let rejected = OperationState::Rejected(Rejection::ChatNotFound);
        assert_eq!(world.ended(&name).await, rejected);
        for chat in 2..=9 {
            let made = write(&world.engine, create_chat("app")).await;
            assert_eq!(number(&made.expect("a chat is made")), chat);
        }
        assert_eq!(world.park(&request).await, name);
        world.worked_through("last").await;
        assert_eq!(world.state(&name).await, rejected);
        assert_eq!(world.database.number("SELECT COUNT(*) FROM messages").await, 0);
        // A refusal binds no key: sent directly it is decided on its own, and then the key says what became of it.
        let direct = world.engine.write(request).await.expect("the chat is there");
        assert!(!direct.replayed);
        assert_eq!(message_number(world.state(&name).await), 1);
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_remembered_and_one_batch_may_have_all_of_them() {
    with_world(|world| async move {
        let delete = Command::DeleteChat {
            token: token("app"),
            chat: 2,
            if_match: tiro_core::IfMatch::Any,
        };
        write(&world.engine, create_chat("app")).await.expect("chat 2");
        write(&world.engine, delete).await.expect("it is deleted");
        let mut names = Vec::new();
        for (chat, text, key) in [(1, "a", "k"), (1, "b", "k"), (2, "a", "l"), (3, "a", "m")] {
            names.push(world.park(&keyed(create_message("app", chat, text), key)).await);
        }
        let applying = world.apply();
        assert_eq!(message_number(world.ended(&names[0]).await), 1);
        let reasons = [
            Rejection::KeyReused,
            Rejection::ChatDeleted,
            Rejection::ChatNotFound,
        ];
        for (name, reason) in names[1..].iter().zip(reasons) {
            assert_eq!(world.ended(name).await, OperationState::Rejected(reason));
        }
        let remembered = "SELECT COUNT(DISTINCT reason) FROM refused_operations";
        assert_eq!(world.database.number(remembered).await, 3);
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_tells_what_its_create_made_as_it_was_made() {
    with_world(|world| async move {
        let applying = world.apply();
        let batch = Command::CreateMessages {
            token: token("app"),
            chat: 1,
            messages: vec![content("a"), content("b"), content("c")],
        };
        let chat = world.park(&keyed(create_chat("app"), "chat")).await;
        let batch = world.park(&keyed(batch, "batch")).await;
        let OperationState::Applied(reply) = world.ended(&batch).await else {
            panic!("it was not applied")
        };
        assert_eq!(reply.outcome, Outcome::Messages { first: 1, count: 3 });
        let OperationState::Applied(made) = world.ended(&chat).await else {
            panic!("it was not applied")
        };
        let there = world.engine.chat(&token("app"), 2).await.expect("it is there");
        assert_eq!(made.outcome, Outcome::Chat(there.thing));
        write(&world.engine, create_message("app", 2, "later"))
            .await
            .expect("it is stored");
        assert_eq!(world.state(&chat).await, OperationState::Applied(made));
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_mysql_refuses_is_a_dead_letter_and_is_applied_when_it_is_replayed() {
    with_world(|world| async move {
        let applying = world.apply();
        let command = Command::CreateMessage {
            token: token("app"),
            chat: 1,
            content: content_from(&"s".repeat(2_000), "refused"),
        };
        let name = world.park(&keyed(command, "k")).await;
        let publisher = world.publisher();
        let dead = DeadLetters::open(&Broker::of(&world.database.config), &publisher).await;
        let dead = dead.expect("RabbitMQ answers");
        let letter = loop {
            let mut letters = dead.list(10).await.expect("RabbitMQ answers");
            match letters.pop() {
                Some(letter) => break letter,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(
            (letter.tries, &letter.queue),
            (TRIES_MAX, &world.topology.parked())
        );
        assert_eq!(world.state(&name).await, OperationState::Pending);
        world.worked_through("others-go-on").await;

        world
            .database
            .rows("ALTER TABLE messages MODIFY sender VARBINARY(4096) NULL")
            .await;
        let replayed = dead.replay(Which::Id(&letter.id), &publisher).await;
        assert_eq!(replayed, Ok(1));
        assert_eq!(message_number(world.ended(&name).await), 1);
        assert_eq!(dead.list(10).await, Ok(Vec::new()));
        dead.close().await.expect("it is closed");
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_understands_is_a_dead_letter_and_holds_nothing_up() {
    with_world(|world| async move {
        let name = world.park(&keyed(create_message("app", 1, "before"), "k")).await;
        let rabbitmq = world.rabbitmq().await;
        let channel = rabbitmq.create_channel().await.expect("a channel");
        let queue = world.topology.parked();
        channel
            .basic_publish(
                "".into(),
                queue.as_str().into(),
                BasicPublishOptions::default(),
                b"what?",
                BasicProperties::default(),
            )
            .await
            .expect("it is published");
        let applying = world.apply();
        world.worked_through("last").await;
        assert_eq!(message_number(world.state(&name).await), 1);
        let dead = DeadLetters::open(&Broker::of(&world.database.config), &world.publisher()).await;
        let dead = dead.expect("RabbitMQ answers");
        let letters = dead.list(10).await.expect("RabbitMQ answers");
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].body.as_str(), &letters[0].queue), ("what?", &queue));
        dead.close().await.expect("it is closed");
        rabbitmq.close(200, "done".into()).await.expect("it is closed");
        applying.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_application_is_not_parked() {
    with_world(|world| async move {
        let refused = world.engine.park(keyed(create_chat("nobody"), "k")).await;
        assert_eq!(refused, Err(Failure::Rejected(Rejection::ApplicationNotFound)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_version_3_get_the_table_of_rejections_and_rows_of_long_ago_are_removed() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let database = Database::new();
    database.open().await.close().await;
    database
        .rows("DROP TABLE refused_operations; UPDATE schema_version SET version = 3")
        .await;
    let engine = database.open().await;
    let now = now_ms();
    for (application, days) in [(1, 29), (2, 31)] {
        let at = now - days * DAY_MS;
        let insert = format!(
            "INSERT INTO refused_operations VALUES ({application}, UNHEX(SHA2('{days}', 256)), 1, {at})"
        );
        database.rows(&insert).await;
    }
    let pool = Pool::new(database.config.mysql.parse().expect("it is an address"), 1);
    let round = purge::round(&pool, Timestamp::from_millis(now)).await;
    assert_eq!(round.expect("rows are removed").rows, 1);
    for (left, expected) in [
        ("SUM(application)", 1),
        ("(SELECT version FROM schema_version)", i64::from(SCHEMA_VERSION)),
    ] {
        let question = format!("SELECT CAST({left} AS SIGNED) FROM refused_operations");
        assert_eq!(database.number(&question).await, expected, "{left}");
    }
    engine.close().await;
}
