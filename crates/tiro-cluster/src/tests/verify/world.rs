//! A cluster with some of everything in it, and its index, which goes with the test.

use std::collections::BTreeMap;

use serde_json::json;
use tiro_core::{Action, Subject, Timestamp};
use tiro_core::{
    ApplicationId, Body, Change, ChangeKind, Command, Entry, Epoch, IfMatch, MetadataChange, Outcome,
    ReaderName, UpdateMessage,
};
use tokio::runtime::Builder;

use super::super::database::Database;
use super::super::requests::*;
use crate::opensearch::http;
use crate::{
    ClusterConfig, ClusterEngine, Finding, Indexer, Member, Options, Remedy, VerifyOptions, VerifyReport,
};

pub(super) struct World {
    pub(super) database: Database,
    pub(super) config: ClusterConfig,
    pub(super) engine: ClusterEngine,
    pub(super) indexer: Indexer,
}

pub(super) async fn done(engine: &ClusterEngine, command: Command) -> Outcome {
    let reply = write(engine, command).await;
    reply.expect("the request is carried out").outcome
}

pub(super) fn edit(application: &str, chat: u64, number: u64, text: &str) -> Command {
    Command::UpdateMessage(UpdateMessage {
        token: token(application),
        chat,
        number,
        if_match: IfMatch::Any,
        body: Some(Body::stored(text)),
        metadata: MetadataChange::Keep,
    })
}

pub(super) fn delete(application: &str, chat: u64, number: u64) -> Command {
    Command::DeleteMessage {
        token: token(application),
        chat,
        number,
        if_match: IfMatch::Any,
    }
}

pub(super) fn delete_chat(application: &str, chat: u64) -> Command {
    Command::DeleteChat {
        token: token(application),
        chat,
        if_match: IfMatch::Any,
    }
}

pub(super) fn read(application: &str, chat: u64, reader: &str, read: u64) -> Command {
    Command::SetRead {
        token: token(application),
        chat,
        reader: ReaderName::stored(reader),
        read,
    }
}

impl World {
    /// Application 1, `one`: chat 1 with 600 messages, edits, deletes and readers, chat 2 with one message, chat 3
    /// deleted, chat 4 empty. Application 2, `two`, is deleted. Application 3 was restored and given up, 4 is being
    /// restored.
    pub(super) async fn full() -> World {
        let database = Database::new();
        let mut config = database.config.clone();
        config.name = database.name().replace('_', "-");
        let engine = ClusterEngine::open(&config, Options::default()).await;
        let engine = engine.expect("the cluster opens");
        let member = Member::join(&config).await.expect("the cluster is there");
        let world = World {
            indexer: member.indexer(),
            database,
            config,
            engine,
        };
        world.fill().await;
        world.index_all().await;
        world
    }

    async fn fill(&self) {
        let engine = &self.engine;
        begin(engine, "one").await;
        for _ in 2..=4 {
            done(engine, create_chat("one")).await;
        }
        for batch in 0..6 {
            let messages = (0..100).map(|at| content_from("ann", &format!("text {batch} {at}")));
            let command = Command::CreateMessages {
                token: token("one"),
                chat: 1,
                messages: messages.collect(),
            };
            done(engine, command).await;
        }
        done(engine, create_message("one", 2, "alone")).await;
        done(engine, create_message("one", 3, "soon gone")).await;
        done(engine, read("one", 3, "bob", 1)).await;
        done(engine, delete_chat("one", 3)).await;
        for number in [1, 2, 256, 257, 300, 600] {
            done(engine, delete("one", 1, number)).await;
        }
        for text in ["edited", "edited again"] {
            done(engine, edit("one", 1, 5, text)).await;
        }
        for (reader, number) in [("ann", 3), ("bob", 7), ("bob", 9)] {
            done(engine, read("one", 1, reader, number)).await;
        }
        done(engine, create_message("one", 1, "the last")).await;
        begin(engine, "two").await;
        done(engine, create_message("two", 1, "of two")).await;
        let gone = Command::DeleteApplication {
            token: token("two"),
            if_match: IfMatch::Any,
        };
        done(engine, gone).await;
        let given_up = self.restore("three").await;
        done(
            engine,
            Command::AbandonRestore {
                application: given_up,
            },
        )
        .await;
        self.restore("four").await;
    }

    /// Begins to restore an application: it is created, and has one empty chat.
    async fn restore(&self, name: &str) -> ApplicationId {
        let begin = Command::BeginRestore {
            token: token(name),
            epoch: Epoch::parse("abc").expect("an epoch"),
            last_position: 9,
        };
        let Outcome::RestoreBegun(application) = done(&self.engine, begin).await else {
            panic!("a restore begins");
        };
        let entry = |position, subject| Entry {
            change: Change {
                position,
                at: Timestamp::from_millis(7),
                subject,
                action: Action::Created,
                version: 1,
                key: None,
            },
            thing: None,
        };
        let entries = vec![
            entry(1, Subject::Application),
            entry(2, Subject::Chat { chat: 1 }),
            entry(3, Subject::Message { chat: 1, number: 1 }),
        ];
        assert_eq!(entries[2].change.kind(), ChangeKind::MessageCreated);
        done(&self.engine, Command::RestoreEntries { application, entries }).await;
        application
    }

    pub(super) async fn index_all(&self) {
        for (partition, end) in self.indexer.positions().await.expect("MySQL answers") {
            let indexed = self.indexer.index_partition(partition, end).await;
            indexed.expect("a partition is indexed");
        }
    }

    /// Removes all that is garbage.
    pub(super) async fn purge(&self) {
        let options = crate::mysql::connection::options(&self.config).expect("the database is named");
        let pool = crate::mysql::Pool::new(options, 1);
        let now = Timestamp::from_millis(crate::clock::now_ms());
        while crate::mysql::purge::round(&pool, now)
            .await
            .expect("a round ends")
            .more
        {}
        pool.close().await;
    }

    pub(super) async fn damage(&self, statement: &str) {
        self.database.rows(statement).await;
    }

    pub(super) async fn verify(&self, options: VerifyOptions) -> VerifyReport {
        let report = crate::verify(&self.config, options, &mut |_| {}).await;
        report.expect("the check ends")
    }

    pub(super) async fn look(&self) -> VerifyReport {
        self.verify(VerifyOptions::default()).await
    }

    pub(super) async fn assert_clean(&self) -> VerifyReport {
        let report = self.look().await;
        assert_eq!(report.findings, []);
        assert!(report.is_sound());
        report
    }

    /// This damage is found as the one thing that is wrong there; then it is repaired, and found no more.
    pub(super) async fn assert_repaired(&self, place: &str, problem: &str) {
        let found = self.look().await;
        assert_only(&found, place, problem, Remedy::Repair);
        let repaired = self.verify(VerifyOptions { repair: true }).await;
        assert_only(&repaired, place, problem, Remedy::Repaired);
        assert!(repaired.is_sound());
        self.assert_clean().await;
    }

    /// The generation that serves.
    pub(super) async fn serving(&self) -> String {
        let generation = self.indexer.index().current().await.expect("there is an index");
        generation.index().to_owned()
    }

    pub(super) async fn partition(&self, application: u32) -> i64 {
        let question =
            format!("SELECT CAST(partition_id AS SIGNED) FROM applications WHERE id = {application}");
        self.database.number(&question).await
    }

    /// Removes the document of a message in such a version from the index, and leaves no trace of a higher one.
    pub(super) async fn forget(&self, message: &str, version: u64) {
        let (index, partition) = (self.serving().await, self.partition(1).await);
        let url = format!(
            "{}/{index}/_doc/{message}?routing={partition}&version={version}&version_type=external_gte",
            self.config.opensearch
        );
        let client = http(&self.config).expect("a client");
        let answer = client.delete(url).send().await.expect("OpenSearch answers");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    /// Puts a document of one's own in the place of a message's.
    pub(super) async fn forge(&self, message: &str, version: u64) {
        let (index, partition) = (self.serving().await, self.partition(1).await);
        let url = format!(
            "{}/{index}/_doc/{message}?routing={partition}&version={version}&version_type=external_gte",
            self.config.opensearch
        );
        let body = json!({"state": "live", "position": 1, "created_at": 1, "token": "x", "application_number": 1,
            "chat_number": 1, "number": 1, "application": "1", "chat": "1.1", "grams": "x"});
        let client = http(&self.config).expect("a client");
        let request = client.put(url).json(&body).send();
        let answer = request.await.expect("OpenSearch answers");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }
}

/// Every finding is of this place, problem and remedy.
pub(super) fn assert_only(report: &VerifyReport, place: &str, problem: &str, remedy: Remedy) {
    let [found] = report.findings.as_slice() else {
        panic!(
            "there is one finding, {place}: {problem}, in {:#?}",
            report.findings
        );
    };
    assert_found(found, place, problem, remedy);
}

pub(super) fn assert_found(found: &Finding, place: &str, problem: &str, remedy: Remedy) {
    assert!(found.place.contains(place), "{place}: {found:?}");
    assert!(found.problem.contains(problem), "{problem}: {found:?}");
    assert_eq!(found.remedy, remedy, "{found:?}");
}

/// What was found, by place.
pub(super) fn places(report: &VerifyReport) -> BTreeMap<&str, &str> {
    let findings = report.findings.iter();
    findings
        .map(|found| (found.place.as_str(), found.problem.as_str()))
        .collect()
}

impl Drop for World {
    fn drop(&mut self) {
        let index = self.indexer.index().clone();
        let removed = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(index.delete_all())
        });
        let removed = removed.join().expect("the thread that removes an index ends");
        if let Err(error) = removed {
            eprintln!("an index was not removed: {error}");
        }
    }
}
