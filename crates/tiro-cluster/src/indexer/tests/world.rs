//! A database and an index of its own, made for one test and removed after it, with a writer in plain SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};
use tiro_conformance::address::in_database;
use tiro_core::{ApplicationId, Folded, Limits, Query, Token};
use tokio::time::Instant;

use crate::mysql::Pool;
use crate::opensearch::{CandidateScope, CandidatesAfter};
use crate::{ClusterConfig, IndexError, Indexer, SearchIndex};

/// Partitions of a world.
pub(super) const PARTITIONS: u16 = 4;

/// Application, chat and number of a message.
pub(super) type Place = (u32, u64, u64);

/// What a write does to a message.
pub(super) enum Write<'a> {
    Create(&'a str),
    Edit(&'a str),
    Delete,
}

/// One database and its index.
#[derive(Clone)]
pub(super) struct World {
    pub(super) pool: Pool,
    pub(super) config: ClusterConfig,
    pub(super) index: SearchIndex,
    pub(super) indexer: Indexer,
}

/// The systems of the tests. There is no test without them.
fn config() -> ClusterConfig {
    let file = std::env::var_os("TIRO_CLUSTER")
        .map(PathBuf::from)
        .expect("TIRO_CLUSTER names the file of a running cluster: `cargo xtask cluster up` starts one");
    ClusterConfig::read(&file).expect("the file of TIRO_CLUSTER is one of a cluster")
}

/// Runs a test in a world of its own, which is removed also if the test fails.
pub(super) fn run<F>(test: impl FnOnce(World) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::fresh().await;
        let outcome = tokio::spawn(test(world.clone())).await;
        world.remove().await;
        outcome.expect("the test holds");
    });
}

/// Longer than any search here takes.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

impl World {
    async fn fresh() -> World {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let mut config = config();
        config.name = format!("test-{:016x}", u64::from_be_bytes(random));
        let database = config.name.replace('-', "_");
        // The database that the file names need not be there.
        let admin = in_database(&config.mysql, "information_schema");
        let admin = Pool::new(admin.parse().unwrap(), 1);
        let create = format!("CREATE DATABASE {database}");
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&admin)
            .await
            .unwrap();
        admin.close().await;
        config.mysql = in_database(&config.mysql, &database);
        let pool = Pool::new(config.mysql.parse().unwrap(), 10);
        sqlx::raw_sql(include_str!("../../mysql/schema.sql"))
            .execute(&pool)
            .await
            .unwrap();
        for partition in 0..PARTITIONS {
            let insert = sqlx::query("INSERT INTO partitions VALUES (?, 0)").bind(partition);
            insert.execute(&pool).await.unwrap();
        }
        let index = SearchIndex::new(&config, [7; 16]).unwrap();
        let indexer = Indexer::new(pool.clone(), index.clone());
        World {
            pool,
            config,
            index,
            indexer,
        }
    }

    async fn remove(self) {
        self.index.delete_all().await.unwrap();
        let drop = format!("DROP DATABASE {}", self.config.name.replace('-', "_"));
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&self.pool)
            .await
            .unwrap();
        self.pool.close().await;
    }

    /// The partition of an application here.
    pub(super) fn partition(application: u32) -> u16 {
        u16::try_from(application).unwrap() % PARTITIONS
    }

    pub(super) fn token(application: u32) -> Token {
        Token::parse(&format!("application-{application:04}")).unwrap()
    }

    pub(super) async fn create_application(&self, application: u32) {
        sqlx::query(
            "INSERT INTO applications VALUES (?, ?, 0, NULL, ?, 'abc', 'name', NULL, 1, 1, 0, 0, 0, NULL, 1, 1, NULL)",
        )
        .bind(application)
        .bind(World::token(application).as_str().as_bytes())
        .bind(World::partition(application))
        .execute(&self.pool)
        .await
        .unwrap();
        for chat in [1, 2, 11] {
            let insert = "INSERT INTO chats VALUES (?, ?, NULL, NULL, 0, 0, NULL, 0, 0, NULL, 1, 1, 1, 1, 0)";
            let insert = sqlx::query(insert).bind(application).bind(chat);
            insert.execute(&self.pool).await.unwrap();
        }
    }

    /// Sends texts to a chat, numbered from `first` on, and returns the end of the partition.
    pub(super) async fn send(&self, application: u32, chat: u64, first: u64, bodies: &[&str]) -> u64 {
        let mut end = 0;
        for (number, body) in (first..).zip(bodies) {
            end = self
                .write((application, chat, number), &Write::Create(body))
                .await;
        }
        end
    }

    /// Writes as a node does: the partition's row is locked until all is committed. Returns the change's position in
    /// the partition.
    pub(super) async fn write(&self, (application, chat, number): Place, write: &Write<'_>) -> u64 {
        let mut transaction = self.pool.begin_with("BEGIN").await.unwrap();
        let partition = World::partition(application);
        let last = sqlx::query("SELECT position FROM partitions WHERE id = ? FOR UPDATE").bind(partition);
        let end = last.fetch_one(&mut *transaction).await.unwrap().get::<u64, _>(0) + 1;
        for (raise, id) in [
            (
                "UPDATE partitions SET position = ? WHERE id = ?",
                u32::from(partition),
            ),
            (
                "UPDATE applications SET last_position = ? WHERE id = ?",
                application,
            ),
        ] {
            let raise = sqlx::query(raise).bind(end).bind(id);
            raise.execute(&mut *transaction).await.unwrap();
        }
        let (kind, statement) = match write {
            Write::Create(body) => {
                let insert = "INSERT INTO messages VALUES (?, ?, ?, ?, NULL, NULL, ?, 0, NULL, 1, ?)";
                let insert = sqlx::query(insert)
                    .bind(application)
                    .bind(chat)
                    .bind(number)
                    .bind(*body);
                // Later ones are created later, over everything too.
                (7, insert.bind(end.cast_signed()).bind(end))
            }
            Write::Edit(body) => {
                let update = "UPDATE messages SET body = ?, version = version + 1 WHERE application = ? AND chat = ? AND number = ?";
                (
                    8,
                    sqlx::query(update)
                        .bind(*body)
                        .bind(application)
                        .bind(chat)
                        .bind(number),
                )
            }
            Write::Delete => {
                let update = "UPDATE messages SET body = NULL, version = version + 1 WHERE application = ? AND chat = ? AND number = ?";
                (9, sqlx::query(update).bind(application).bind(chat).bind(number))
            }
        };
        statement.execute(&mut *transaction).await.unwrap();
        let change = "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, chat, number, version) \
                      VALUES (?, ?, ?, ?, 0, ?, ?, ?, 1)";
        let change = sqlx::query(change)
            .bind(application)
            .bind(end)
            .bind(partition)
            .bind(end);
        let change = change.bind(kind).bind(chat).bind(number);
        change.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        end
    }

    /// Changes of an application itself, alone in its partition, until its feed and the partition end at `end`.
    pub(super) async fn change_application_until(&self, application: u32, end: u64) {
        let partition = World::partition(application);
        let row = sqlx::query("SELECT position FROM partitions WHERE id = ?").bind(partition);
        let positions: Vec<u64> =
            (row.fetch_one(&self.pool).await.unwrap().get::<u64, _>(0) + 1..=end).collect();
        for chunk in positions.chunks(5_000) {
            let rows = chunk
                .iter()
                .map(|at| format!("({application}, {at}, {partition}, {at}, 0, 2, 1)"));
            let insert = format!(
                "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, version) \
                 VALUES {}",
                rows.collect::<Vec<_>>().join(", ")
            );
            sqlx::raw_sql(AssertSqlSafe(insert))
                .execute(&self.pool)
                .await
                .unwrap();
        }
        let raise = format!(
            "UPDATE partitions SET position = {end} WHERE id = {partition}; \
             UPDATE applications SET last_position = {end} WHERE id = {application}"
        );
        sqlx::raw_sql(AssertSqlSafe(raise))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Indexes all partitions through their ends, and makes that visible.
    pub(super) async fn index_all(&self) {
        for (partition, end) in self.indexer.positions().await.unwrap() {
            assert_eq!(self.indexer.index_partition(partition, end).await.unwrap(), end);
        }
        self.index
            .refresh(&self.index.current().await.unwrap())
            .await
            .unwrap();
    }

    pub(super) fn in_application(application: u32) -> CandidateScope {
        CandidateScope::Application {
            partition: World::partition(application),
            application: ApplicationId(application),
        }
    }

    pub(super) fn everywhere() -> CandidateScope {
        CandidateScope::Everything
    }

    /// All candidates by pages of `limit`, in order, and the first page's watermarks.
    pub(super) async fn candidates(
        &self,
        scope: &CandidateScope,
        query: &str,
        limit: usize,
    ) -> Result<(Vec<Place>, BTreeMap<u16, u64>), IndexError> {
        let grams = Query::parse(query, &Limits::default()).unwrap().grams();
        let (mut places, mut watermarks, mut after) = (Vec::new(), None, None::<CandidatesAfter>);
        loop {
            let page = self
                .index
                .candidates(scope, &grams, after.as_ref(), limit, soon())
                .await?;
            assert!(page.candidates.len() <= limit);
            places.extend(
                page.candidates
                    .iter()
                    .map(|one| (one.application.0, one.chat, one.number)),
            );
            let first = watermarks.get_or_insert(page.watermarks);
            after = page.candidates.into_iter().next_back().map(|last| last.place);
            if !page.has_more || after.is_none() {
                return Ok((places, first.clone()));
            }
        }
    }

    /// Candidates of an application that is all indexed.
    pub(super) async fn found(&self, application: u32, query: &str) -> Vec<(u64, u64)> {
        let found = self
            .candidates(&World::in_application(application), query, 50)
            .await;
        let below = |(of, chat, number)| {
            assert_eq!(of, application);
            (chat, number)
        };
        found.unwrap().0.into_iter().map(below).collect()
    }

    /// What a watermark promises: whoever matches and changed no later than it is a candidate.
    pub(super) async fn assert_complete(&self, query: &str) {
        let found = match self.candidates(&World::everywhere(), query, 200).await {
            Ok(found) => found,
            Err(IndexError::Missing) => return,
            Err(error) => panic!("{error}"),
        };
        let (candidates, watermarks) = found;
        let candidates: BTreeSet<Place> = candidates.into_iter().collect();
        let rows = "SELECT messages.application, messages.chat, messages.number, messages.body, MAX(changes.partition_position) \
                    FROM messages JOIN changes USING (application, chat, number) GROUP BY 1, 2, 3, 4";
        let parsed = Arc::new(Query::parse(query, &Limits::default()).unwrap());
        for row in sqlx::query(rows).fetch_all(&self.pool).await.unwrap() {
            let place: Place = (row.get(0), row.get(1), row.get(2));
            let Some(body) = row.get::<Option<&str>, _>(3) else {
                continue;
            };
            let indexed = watermarks.get(&World::partition(place.0)).copied().unwrap_or(0);
            if row.get::<u64, _>(4) <= indexed && parsed.is_match(&Folded::of(body)) {
                assert!(
                    candidates.contains(&place),
                    "{query:?} lacks {place:?}: {body:?}, indexed through {indexed}"
                );
            }
        }
    }
}
