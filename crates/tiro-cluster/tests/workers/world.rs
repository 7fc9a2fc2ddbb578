//! A node, an indexer and what clears, of one cluster.

use std::sync::Arc;

use serde_json::{Value, json};
use tiro_cluster::worker::{Clear, ClearIndex, Cleared, IndexFailure};
use tiro_cluster::{ClusterConfig, ClusterEngine, Indexer, Member, Options};
use tiro_core::{
    Action, Application, ApplicationId, Body, Change, Command, CreateApplication, CreateChat, Engine, Entry,
    Epoch, Failure, IfMatch, MessageContent, Name, NewToken, Outcome, Request, Stage, Subject, Thing,
    Timestamp, Token,
};
use tiro_outbound::{Proxies, Trust};

use crate::cluster::Cluster;

/// Position of the last entry of a restore.
const RESTORED_LAST: u64 = 3;
const RESTORED_AT_MS: i64 = 7;

pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) engine: ClusterEngine,
    pub(crate) indexer: Arc<Indexer>,
}

pub(crate) fn token(name: &str) -> Token {
    Token::parse(&format!("{name:_<24}")).unwrap()
}

pub(crate) fn delete_chat(application: &str, chat: u64) -> Command {
    Command::DeleteChat {
        token: token(application),
        chat,
        if_match: IfMatch::Any,
    }
}

impl World {
    pub(crate) async fn of(cluster: &Cluster, config: &ClusterConfig) -> World {
        let member = Box::pin(Member::join(config)).await.unwrap();
        World {
            cluster: cluster.clone(),
            engine: ClusterEngine::open(config, Options::default()).await.unwrap(),
            indexer: Arc::new(member.indexer()),
        }
    }

    pub(crate) async fn done(&self, command: Command) -> Outcome {
        self.engine.write(Request::new(command)).await.unwrap().outcome
    }

    /// An application with so many chats of as many messages.
    pub(crate) async fn fill(&self, application: &str, chats: u64, messages: usize) {
        let create = CreateApplication {
            token: NewToken::Chosen(token(application)),
            epoch: Epoch::parse("abc").unwrap(),
            name: Name::stored(application),
            metadata: None,
        };
        self.done(Command::CreateApplication(create)).await;
        for chat in 1..=chats {
            let create = CreateChat {
                token: token(application),
                title: None,
                metadata: None,
            };
            self.done(Command::CreateChat(create)).await;
            self.send(application, chat, messages).await;
        }
    }

    pub(crate) async fn send(&self, application: &str, chat: u64, messages: usize) {
        let content = || {
            Arc::new(MessageContent {
                body: Body::stored("some text"),
                sender: None,
                metadata: None,
            })
        };
        let messages = (0..messages).map(|_| content()).collect();
        let token = token(application);
        self.done(Command::CreateMessages {
            token,
            chat,
            messages,
        })
        .await;
    }

    /// Begins to restore an application of two entries: itself and a chat; the first is there.
    pub(crate) async fn begin_restore(&self, name: &str) -> ApplicationId {
        let begin = Command::BeginRestore {
            token: token(name),
            epoch: Epoch::parse("abc").unwrap(),
            last_position: RESTORED_LAST,
        };
        let Outcome::RestoreBegun(application) = self.done(begin).await else {
            panic!("a restore begins");
        };
        let thing = Application {
            id: application,
            token: token(name),
            epoch: Epoch::parse("abc").unwrap(),
            stage: Stage::Ready,
            name: Some(Name::stored(name)),
            metadata: None,
            chats_count: 0,
            last_chat_number: 0,
            last_position: 1,
            created_at: Timestamp::from_millis(RESTORED_AT_MS),
            updated_at: Timestamp::from_millis(RESTORED_AT_MS),
            deleted_at: None,
            version: 1,
        };
        let first = entry(1, Subject::Application, Some(Thing::Application(thing)));
        let restored = self.write(restore(application, first)).await;
        restored.unwrap();
        application
    }

    /// The other entries of a restore.
    pub(crate) async fn go_on_with(&self, application: ApplicationId) -> Result<(), Failure> {
        let chat = entry(2, Subject::Chat { chat: 1 }, None);
        self.write(restore(application, chat)).await?;
        let message = entry(RESTORED_LAST, Subject::Message { chat: 1, number: 1 }, None);
        self.write(restore(application, message)).await
    }

    pub(crate) async fn finish(&self, application: ApplicationId, name: &str) -> Result<(), Failure> {
        let token = token(name);
        self.write(Command::FinishRestore { application, token }).await
    }

    pub(crate) async fn write(&self, command: Command) -> Result<(), Failure> {
        self.engine.write(Request::new(command)).await.map(drop)
    }

    pub(crate) async fn index_all(&self) {
        let ends: Vec<(u16, u64)> = sqlx::query_as("SELECT id, position FROM partitions")
            .fetch_all(&self.cluster.pool)
            .await
            .unwrap();
        for (partition, end) in ends {
            self.indexer.index_partition(partition, end).await.unwrap();
        }
    }

    pub(crate) async fn remove_rows(&self) {
        let clear = Clear::new(self.cluster.pool.clone());
        while clear.chunk().await.unwrap().more {}
    }

    pub(crate) async fn clear_index(&self) -> Result<Cleared, IndexFailure> {
        let clear = ClearIndex::new(self.cluster.pool.clone(), self.indexer.clone());
        clear.chunk().await
    }

    pub(crate) async fn clear_index_wholly(&self) {
        while self.clear_index().await.unwrap() != Cleared::default() {}
    }

    /// Messages that the index has, of an application or with a chat.
    pub(crate) async fn documents(&self, field: &str, value: &str) -> u64 {
        let index = format!(
            "{}/{}-messages",
            self.cluster.config.opensearch, self.cluster.config.name
        );
        let url = self.cluster.config.opensearch.parse().unwrap();
        let client = tiro_outbound::http(&url, &Trust::system(), Proxies::Unused);
        let client = client.unwrap().build().unwrap();
        let refreshed = client.post(format!("{index}/_refresh")).send().await.unwrap();
        assert!(refreshed.status().is_success());
        let of = json!({"query": {"term": {field: value}}});
        let counted = client
            .post(format!("{index}/_count"))
            .json(&of)
            .send()
            .await
            .unwrap();
        let counted: Value = counted.json().await.unwrap();
        counted["count"].as_u64().unwrap()
    }

    /// Deleted things that are yet to leave the index.
    pub(crate) async fn noted(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM index_garbage");
        count.fetch_one(&self.cluster.pool).await.unwrap()
    }
}

fn restore(application: ApplicationId, entry: Entry) -> Command {
    Command::RestoreEntries {
        application,
        entries: vec![entry],
    }
}

fn entry(position: u64, subject: Subject, thing: Option<Thing>) -> Entry {
    Entry {
        change: Change {
            position,
            at: Timestamp::from_millis(RESTORED_AT_MS),
            subject,
            action: Action::Created,
            version: 1,
            key: None,
        },
        thing,
    }
}
