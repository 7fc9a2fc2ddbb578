//! A writer's connection: gives up quickly, so that a frozen node does not freeze its partitions.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Either};
use tokio::time::{Instant, timeout};

use super::closing::close;
use super::rows::Corrupt;
use super::script::Script;
use super::trouble::Trouble;

/// How long one packet may take to be carried out: a lock that others hold takes 2 s, a large batch less than that.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// A connection that nobody used for so long is let go.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// What a writer's session is set to. A lock is waited for 2 s; a session from which nothing comes for 3 s is ended by
/// MySQL, and with it what it has locked.
const SETTINGS: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 2, \
     wait_timeout = 3, net_read_timeout = 3, net_write_timeout = 3; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// A connection with the settings of a writer.
pub(crate) struct Session {
    connection: MySqlConnection,
    used: Instant,
}

impl Session {
    pub(crate) async fn open(options: &MySqlConnectOptions) -> Result<Session, Trouble> {
        let opened = timeout(CONNECT_WITHIN, async {
            let mut connection = MySqlConnection::connect_with(options).await?;
            sqlx::raw_sql(SETTINGS).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        });
        let connection = opened.await.map_err(|_| too_slow(CONNECT_WITHIN))??;
        Ok(Session {
            connection,
            used: Instant::now(),
        })
    }

    /// Carries statements out, in order, until one fails. `each` gets every row and the number of its statement, from 0.
    pub(crate) async fn run(
        &mut self,
        script: Script,
        mut each: impl FnMut(usize, MySqlRow) -> Result<(), Corrupt>,
    ) -> Result<(), Trouble> {
        let mut statement = 0;
        for packet in script.into_packets() {
            let packet = send(&mut self.connection, packet, &mut statement, &mut each);
            timeout(ANSWER_WITHIN, packet)
                .await
                .map_err(|_| too_slow(ANSWER_WITHIN))??;
        }
        self.used = Instant::now();
        Ok(())
    }

    /// Carries one statement out that has no rows.
    pub(crate) async fn tell(&mut self, statement: &'static str) -> Result<(), Trouble> {
        let mut script = Script::default();
        script.statement(statement);
        self.run(script, |_, _| Ok(())).await
    }

    /// Keeps an idle connection from being ended by MySQL; `None` when it was idle for long, or is gone.
    pub(crate) async fn keep(mut self) -> Option<Session> {
        if self.used.elapsed() >= IDLE_MAX {
            close(self.connection).await;
            return None;
        }
        match timeout(CONNECT_WITHIN, self.connection.ping()).await {
            Ok(Ok(())) => Some(self),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

async fn send(
    connection: &mut MySqlConnection,
    packet: String,
    statement: &mut usize,
    each: &mut impl FnMut(usize, MySqlRow) -> Result<(), Corrupt>,
) -> Result<(), Trouble> {
    let mut results = sqlx::raw_sql(AssertSqlSafe(packet)).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(_) => *statement += 1,
            Either::Right(row) => each(*statement, row)?,
        }
    }
    Ok(())
}

fn too_slow(bound: Duration) -> Trouble {
    Trouble::Lost(format!("no answer within {bound:?}"))
}
