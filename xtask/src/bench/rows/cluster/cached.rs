//! What a cache of reads in Redis can save: the check that a cached answer is the newest, and its GET, against the read
//! that a node does. One message is not kept there, pages are.
//!
//! All of it is what a node would send, without HTTP: statements over as many connections as a node has for reads. The
//! check reads of application and chat what a right answer needs, each by its key: its cursor, whether they are deleted,
//! and the chat's last change. The node's own statements are taken from the server's general log.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reads::{CHATS, MESSAGES_A_CHAT};
use crate::bench::Plan;
use crate::bench::cluster::{Deployment, runtime};
use crate::bench::compare::{Contender, Rounds, in_turns};
use crate::bench::load::{Counted, LATE_MAX, Window};
use crate::bench::redis::{Redis, Running};
use crate::bench::report::{Row, Unit, thousands};

/// As many as a node has for reads, unless it is told otherwise.
const CONNECTIONS: usize = 16;
/// Requests whose checks would be one statement, and their answers one MGET.
const TOGETHER: usize = 16;
/// Bytes of a cached answer: a message, and 50 of them.
const ONE_BYTES: usize = 250;
const LAST_BYTES: usize = 50 * ONE_BYTES;

/// A kind of read: how a node reads it, and what a cache of it would hold.
struct Kind {
    what: &'static str,
    names: [&'static str; 3],
    /// What its statement has and no other.
    mark: &'static str,
    bytes: usize,
}

const KINDS: [Kind; 2] = [
    Kind {
        what: "one message",
        names: [
            "one message: the read",
            "one message: check and GET",
            "one message: both for 16 together",
        ],
        mark: "LEFT JOIN messages ON messages.application = top.id AND messages.chat = ? AND messages.number = ?",
        bytes: ONE_BYTES,
    },
    Kind {
        what: "last 50",
        names: [
            "last 50: the read",
            "last 50: check and GET",
            "last 50: both for 16 together",
        ],
        mark: "ORDER BY messages.number DESC LIMIT ?",
        bytes: LAST_BYTES,
    },
];

pub(super) fn measure(plan: &Plan, deployment: &Deployment<'_>, token: &str) -> anyhow::Result<Vec<Row>> {
    let redis = match Redis::start(plan.temporary_folder()?)? {
        Redis::Running(running) => running,
        Redis::Missing(why) => anyhow::bail!(why),
    };
    let statements = statements(deployment, token)?;
    let mut rows = Vec::new();
    for (place, (kind, statement)) in KINDS.iter().zip(statements).enumerate() {
        let cache = RefCell::new(Cache::open(
            deployment,
            &redis,
            (place, kind),
            (token, statement),
        )?);
        let mut contenders: Vec<Contender<'_>> = vec![
            (
                kind.names[0],
                Box::new(|| cache.borrow_mut().rate(plan, Way::Read)),
            ),
            (
                kind.names[1],
                Box::new(|| cache.borrow_mut().rate(plan, Way::Check(1))),
            ),
            (
                kind.names[2],
                Box::new(|| cache.borrow_mut().rate(plan, Way::Check(TOGETHER))),
            ),
        ];
        let rounds = in_turns(plan.rounds, &mut contenders)?;
        drop(contenders);
        rows.extend(kind.rows(&rounds));
    }
    Ok(rows)
}

impl Kind {
    fn rows(&self, rounds: &Rounds) -> [Row; 2] {
        let [read, check, together] = self.names;
        let row = |what: String, of: &str, more: &str| {
            let note = format!(
                "{}/s against {}/s, medians; statements over {CONNECTIONS} connections, without HTTP{more}",
                thousands(rounds.median(of)),
                thousands(rounds.median(read))
            );
            Row::reported(&what, Unit::Ratio, rounds.ratio(of, read), note)
        };
        let what = self.what;
        [
            row(
                format!("a cache that always hits, {what}: check and GET, against the read"),
                check,
                "; the check reads application and chat by their keys",
            ),
            row(
                format!("the same for {TOGETHER} requests together, {what}"),
                together,
                "; only requests that wait together can be one statement",
            ),
        ]
    }
}

/// The statements with which a node reads, in the order of [`KINDS`]: as it prepares them at its first reads.
fn statements(deployment: &Deployment<'_>, token: &str) -> anyhow::Result<Vec<String>> {
    let node = deployment.another_node()?;
    deployment.tell("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1".to_owned())?;
    let messages = format!("/v1/applications/{token}/chats/1/messages");
    let asked = node
        .api
        .get(&format!("{messages}/1"))
        .and_then(|_| node.api.get(&format!("{messages}?last=50")));
    deployment.tell("SET GLOBAL general_log = 0".to_owned())?;
    asked?;
    runtime()?.block_on(async {
        let mut connection = MySqlConnection::connect_with(&deployment.mysql("mysql")).await?;
        let mut found = Vec::new();
        for kind in &KINDS {
            let prepared = "SELECT CONVERT(argument USING utf8mb4) FROM general_log WHERE command_type = 'Prepare' \
                            AND INSTR(argument, ?) > 0 ORDER BY event_time DESC LIMIT 1";
            let row = sqlx::query(prepared).bind(kind.mark).fetch_optional(&mut connection).await?;
            let row = row.with_context(|| format!("no statement of a node has `{}`", kind.mark))?;
            found.push(row.try_get::<String, _>(0)?);
        }
        connection.close().await?;
        Ok(found)
    })
}

/// How an answer is come by.
#[derive(Clone, Copy)]
enum Way {
    Read,
    /// So many together.
    Check(usize),
}

/// Connections to MySQL and Redis, in pairs.
struct Cache {
    runtime: tokio::runtime::Runtime,
    pairs: Vec<Pair>,
}

struct Pair {
    mysql: MySqlConnection,
    redis: TcpStream,
    received: Vec<u8>,
    place: usize,
    asked: Asked,
}

/// What is asked for, the same for all connections.
#[derive(Clone)]
struct Asked {
    of_messages: bool,
    token: Vec<u8>,
    statement: String,
    bytes: usize,
}

impl Cache {
    fn open(
        deployment: &Deployment<'_>,
        redis: &Running,
        (place, kind): (usize, &Kind),
        (token, statement): (&str, String),
    ) -> anyhow::Result<Cache> {
        let (runtime, options) = (runtime()?, deployment.mysql(&deployment.database));
        let pairs = runtime.block_on(async {
            let asked = Asked {
                of_messages: place == 0,
                token: token.as_bytes().to_vec(),
                statement,
                bytes: kind.bytes,
            };
            let open = async |index: usize| {
                let mut pair = Pair {
                    mysql: MySqlConnection::connect_with(&options).await?,
                    redis: TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).await?,
                    received: Vec::new(),
                    place: index * 1_000,
                    asked: asked.clone(),
                };
                pair.redis.set_nodelay(true)?;
                pair.fill().await?;
                anyhow::Ok(pair)
            };
            try_join_all((0..CONNECTIONS).map(open)).await
        })?;
        Ok(Cache { runtime, pairs })
    }

    /// Answers per second.
    fn rate(&mut self, plan: &Plan, way: Way) -> anyhow::Result<f64> {
        let (begun, lasts) = (Instant::now(), plan.cluster_lasts / 2);
        let window = Window {
            begin: begun + lasts / 10,
            end: begun + lasts,
        };
        let all = try_join_all(self.pairs.iter_mut().map(|pair| pair.drive(way, window)));
        let bounded = async { tokio::time::timeout(lasts + LATE_MAX, all).await };
        let answered = self
            .runtime
            .block_on(bounded)
            .context("a read was left unanswered")??;
        let together = match way {
            Way::Read => 1,
            Way::Check(together) => together,
        };
        Ok(Counted::of(answered.concat(), window)?.rate * together as f64)
    }
}

impl Pair {
    async fn drive(&mut self, way: Way, window: Window) -> anyhow::Result<Vec<(Instant, Duration)>> {
        let mut answered = Vec::new();
        loop {
            let sent = Instant::now();
            match way {
                Way::Read => self.read().await?,
                Way::Check(together) => self.check(together).await?,
            }
            let now = Instant::now();
            if now > window.end {
                return Ok(answered);
            }
            if now >= window.begin {
                answered.push((now, now - sent));
            }
        }
    }

    /// The next chat and message.
    fn step(&mut self) -> (u64, u64) {
        self.place += 1;
        let number = self.place * 7 % MESSAGES_A_CHAT + 1;
        ((self.place % CHATS + 1) as u64, number as u64)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let (chat, number) = self.step();
        let asked = &self.asked;
        let query = sqlx::query(AssertSqlSafe(asked.statement.clone()));
        let query = if asked.of_messages {
            query.bind(chat).bind(chat).bind(number).bind(&asked.token)
        } else {
            let query = query.bind(chat).bind(chat).bind(&asked.token);
            query.bind(0_u64).bind(u64::MAX).bind(50_u64)
        };
        let rows = query.fetch_all(&mut self.mysql).await?;
        ensure!(
            rows.len() == if asked.of_messages { 1 } else { 50 },
            "{} rows were read",
            rows.len()
        );
        Ok(())
    }

    async fn check(&mut self, together: usize) -> anyhow::Result<()> {
        let chats: Vec<u64> = (0..together).map(|_| self.step().0).collect();
        let places = vec!["?"; together].join(",");
        let statement = format!(
            "SELECT head.epoch, head.last_position, head.deleted_at, place.change_position, place.deleted_at \
             FROM applications AS head LEFT JOIN chats AS place ON place.application = head.id \
             AND place.number IN ({places}) WHERE head.token = ? AND head.restoring = 0"
        );
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for chat in &chats {
            query = query.bind(*chat);
        }
        let rows = query.bind(&self.asked.token).fetch_all(&mut self.mysql).await?;
        ensure!(!rows.is_empty(), "a check found nothing");
        let keys: String = chats.iter().map(|chat| format!(" {}", chat % 16)).collect();
        let bytes = together * (self.asked.bytes + format!("${}\r\n\r\n", self.asked.bytes).len());
        self.ask(
            &format!("MGET{keys}\r\n"),
            format!("*{together}\r\n").len() + bytes,
        )
        .await
    }

    /// Puts the answers there that are got later.
    async fn fill(&mut self) -> anyhow::Result<()> {
        for key in 0..16 {
            let set = format!("SET {key} {}\r\n", "x".repeat(self.asked.bytes));
            self.ask(&set, "+OK\r\n".len()).await?;
        }
        Ok(())
    }

    /// Sends one command and reads its answer, whose length is known.
    async fn ask(&mut self, command: &str, bytes: usize) -> anyhow::Result<()> {
        self.received.clear();
        self.redis.write_all(command.as_bytes()).await?;
        while self.received.len() < bytes {
            ensure!(
                self.redis.read_buf(&mut self.received).await? > 0,
                "Redis closed a connection"
            );
        }
        let answer = &self.received;
        ensure!(
            answer.len() == bytes && answer[0] != b'-',
            "Redis answered otherwise: {}",
            String::from_utf8_lossy(&answer[..answer.len().min(100)])
        );
        Ok(())
    }
}
