//! What MySQL can do by itself: the same rows into the same tables on the same server, without numbers, checks or HTTP.
//!
//! The tables are copies of the cluster's, without messages at the beginning, in a database of their own. Nothing is looked
//! up, and only what is numbered raises its parents; every transaction is as durable as the cluster's.

mod rows;

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection};
use tokio::runtime::Runtime;

use super::{Deployment, runtime};
use crate::bench::Plan;
use crate::bench::load::{Counted, LATE_MAX, Window};
use rows::{Place, Said};

/// Rows that a batch of the API has, so rows of one chat that follow each other.
const ROWS_IN_A_CHAT: usize = 1_000;
/// Different messages.
const MESSAGES: usize = 16_000;

/// Connections that insert.
pub(in crate::bench) struct Raw {
    runtime: Runtime,
    writers: Vec<Writer>,
}

struct Writer {
    connection: MySqlConnection,
    place: Place,
    /// Where the server gives the numbers.
    numbered: Place,
    said: std::sync::Arc<Vec<Said>>,
    next: usize,
}

impl Raw {
    /// Makes the tables anew and opens so many connections.
    pub(in crate::bench) fn connect(
        plan: &Plan,
        deployment: &Deployment<'_>,
        connections: usize,
    ) -> anyhow::Result<Raw> {
        let (ours, raw) = (&deployment.database, database(deployment));
        let mut statements = format!("CREATE DATABASE IF NOT EXISTS `{raw}`;");
        for table in ["applications", "chats", "messages", "changes"] {
            statements.push_str(&format!(
                "DROP TABLE IF EXISTS `{raw}`.{table}; CREATE TABLE `{raw}`.{table} LIKE `{ours}`.{table};"
            ));
        }
        let numbered = connections..2 * connections;
        statements.push_str(&rows::parents(&raw, numbered.clone()));
        deployment.tell(statements)?;
        let said: Vec<Said> = plan
            .messages(MESSAGES)
            .iter()
            .map(|text| Said::of(text))
            .collect::<Result<_, _>>()?;
        let said = std::sync::Arc::new(said);
        let (runtime, options) = (runtime()?, deployment.mysql(&raw));
        let writers = runtime.block_on(try_join_all((0..connections).map(async |index| {
            let connection = MySqlConnection::connect_with(&options).await?;
            anyhow::Ok(Writer {
                connection,
                place: Place::of(index),
                numbered: Place::of(numbered.start + index),
                said: std::sync::Arc::clone(&said),
                next: index * MESSAGES / connections,
            })
        })))?;
        Ok(Raw { runtime, writers })
    }

    /// Messages per second by transactions of so many messages, each with its change row.
    pub(in crate::bench) fn batches(&mut self, rows: usize, lasts: Duration) -> anyhow::Result<f64> {
        let counted = self.run(lasts, async |writer, window| {
            writer
                .insert_until(window, async |writer| writer.insert_batch(rows).await)
                .await
        })?;
        Ok(counted.rate * rows as f64)
    }

    /// Transactions per second that insert one message each.
    pub(in crate::bench) fn singles(&mut self, lasts: Duration) -> anyhow::Result<f64> {
        let counted = self.run(lasts, async |writer, window| {
            writer
                .insert_until(window, async |writer| writer.insert_one().await)
                .await
        })?;
        Ok(counted.rate)
    }

    /// Transactions per second that take the numbers of one message from its chat and its application, count it there, and
    /// insert it and its change row: what a create stores, one by one and sent in one piece.
    pub(in crate::bench) fn numbered(&mut self, lasts: Duration) -> anyhow::Result<f64> {
        let counted = self.run(lasts, async |writer, window| {
            writer
                .insert_until(window, async |writer| writer.number_one().await)
                .await
        })?;
        Ok(counted.rate)
    }

    fn run(
        &mut self,
        lasts: Duration,
        write: impl AsyncFn(&mut Writer, Window) -> anyhow::Result<Vec<(Instant, Duration)>>,
    ) -> anyhow::Result<Counted> {
        let begun = Instant::now();
        let window = Window {
            begin: begun + lasts / 10,
            end: begun + lasts,
        };
        let writers = &mut self.writers;
        let all = try_join_all(writers.iter_mut().map(|writer| write(writer, window)));
        let answered = self
            .runtime
            .block_on(async { tokio::time::timeout(lasts + LATE_MAX, all).await })
            .context("MySQL left a statement unanswered")??;
        Counted::of(answered.concat(), window)
    }
}

impl Writer {
    async fn insert_until(
        &mut self,
        window: Window,
        insert: impl AsyncFn(&mut Writer) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<(Instant, Duration)>> {
        let mut answered = Vec::new();
        loop {
            let sent = Instant::now();
            insert(self).await?;
            let now = Instant::now();
            if now > window.end {
                return Ok(answered);
            }
            if now >= window.begin {
                answered.push((now, now - sent));
            }
        }
    }

    async fn insert_batch(&mut self, rows: usize) -> anyhow::Result<()> {
        let mut batch = rows::Batch::default();
        for row in 0..rows {
            if row % ROWS_IN_A_CHAT == 0 {
                self.place.turn();
            }
            let said = &self.said[self.next % self.said.len()];
            self.next += 1;
            batch.add(self.place.step(), said);
        }
        self.tell(batch.into_statements()).await
    }

    async fn number_one(&mut self) -> anyhow::Result<()> {
        self.numbered.turn();
        let row = self.numbered.step();
        let said = &self.said[self.next % self.said.len()];
        self.next += 1;
        self.tell(rows::numbered(row, said)).await
    }

    async fn tell(&mut self, statements: String) -> anyhow::Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn insert_one(&mut self) -> anyhow::Result<()> {
        self.place.turn();
        let row = self.place.step();
        let said = &self.said[self.next % self.said.len()];
        self.next += 1;
        sqlx::query(rows::ONE_MESSAGE)
            .bind(row.application)
            .bind(row.chat)
            .bind(row.number)
            .bind(said.body.as_str())
            .bind(said.sender.as_bytes())
            .bind(rows::AT)
            .bind(rows::AT)
            .bind(row.position)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

/// Removed with the cluster's own.
pub(super) fn database(deployment: &Deployment<'_>) -> String {
    format!("{}_raw", deployment.database)
}
