//! The search index against the rows: what a watermark promises is there, in the right version, and no tombstone is found.
//!
//! Watermarks are read and made visible before the rows are, so whatever a row says at or below its watermark has to be
//! in the index. What differs is looked at once more by its row, which may have changed meanwhile. An index that is
//! away, or that others replace, ends the comparison with a remark.

use std::collections::{BTreeMap, HashMap};

use sqlx::{AssertSqlSafe, Row};

use super::{Named, Remedy, Verifier, VerifyError};
use crate::indexer::{Indexer, IndexerError};
use crate::mysql::pool::Pool;
use crate::mysql::rows::{self, MESSAGE_COLUMNS, MESSAGE_COLUMNS_COUNT};
use crate::opensearch::{
    Document, Generation, IndexError, Replaces, SearchIndex, Standing, message_document,
};

/// Most messages that are compared in one request.
const COMPARED_MAX: usize = 1_000;
/// Messages that wait to be compared, after which they are.
const PENDING_MAX: usize = 2_000;
/// Most documents that are written again in one request: each may have a long text.
const REWRITTEN_MAX: usize = 50;

/// A message as the index has to know it.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) application: u32,
    pub(super) named: Named,
    pub(super) chat: u64,
    pub(super) number: u64,
    pub(super) version: u64,
    pub(super) is_deleted: bool,
    /// Of the change that made this version.
    pub(super) partition_position: u64,
}

impl Expected {
    fn key(&self) -> (u32, u64, u64) {
        (self.application, self.chat, self.number)
    }

    /// What is wrong with a document of which searches find this version.
    fn problem(&self, found: Option<u64>) -> Option<String> {
        match found {
            None if self.is_deleted => None,
            Some(_) if self.is_deleted => Some("it is deleted, and the search index finds it".to_owned()),
            None => Some("it is not in the search index".to_owned()),
            Some(found) if found == self.version => None,
            Some(found) => Some(format!(
                "the search index has its version {found}, its row has {}",
                self.version
            )),
        }
    }
}

/// The comparison with the index.
pub(super) struct IndexCheck {
    index: SearchIndex,
    reads: Pool,
    /// What serves; `None` before it is known, and when there is nothing to compare with any more.
    generation: Option<Generation>,
    watermarks: HashMap<u16, u64>,
    pending: BTreeMap<u16, Vec<Expected>>,
    documents: u64,
    /// Why the comparison ended.
    ended: Option<String>,
}

impl IndexCheck {
    pub(super) fn new(index: SearchIndex, reads: Pool) -> IndexCheck {
        IndexCheck {
            index,
            reads,
            generation: None,
            watermarks: HashMap::new(),
            pending: BTreeMap::new(),
            documents: 0,
            ended: None,
        }
    }

    pub(super) fn documents(&self) -> u64 {
        self.documents
    }

    pub(super) fn remark(&self) -> Option<String> {
        self.ended.clone()
    }

    fn end(&mut self, why: impl std::fmt::Display) {
        self.generation = None;
        self.pending.clear();
        self.ended
            .get_or_insert(format!("the search index was not compared to the end: {why}"));
    }

    /// Reads how far each partition is indexed, and makes that visible. To be called before rows are read.
    pub(super) async fn read_watermarks(&mut self) -> Result<(), VerifyError> {
        if self.ended.is_some() {
            return Ok(());
        }
        let partitions: Vec<u16> = sqlx::query_scalar("SELECT id FROM partitions")
            .fetch_all(&self.reads)
            .await?;
        if let Err(error) = self.find_watermarks(&partitions).await {
            self.end(error);
        }
        Ok(())
    }

    async fn find_watermarks(&mut self, partitions: &[u16]) -> Result<(), IndexError> {
        let generation = self.index.current().await?;
        let mut watermarks = HashMap::new();
        for partition in partitions {
            let watermark = self.index.watermark(&generation, *partition).await?;
            watermarks.insert(*partition, watermark);
        }
        self.index.refresh(&generation).await?;
        self.watermarks = watermarks;
        self.generation = Some(generation);
        Ok(())
    }

    /// Takes messages of a partition that are to be compared; what lies above the watermark is not.
    pub(super) fn expect(&mut self, partition: u16, messages: Vec<Expected>) {
        if self.generation.is_none() {
            return;
        }
        let watermark = self.watermarks.get(&partition).copied().unwrap_or(0);
        let promised = messages
            .into_iter()
            .filter(|message| message.partition_position <= watermark);
        self.pending.entry(partition).or_default().extend(promised);
    }

    pub(super) fn is_full(&self) -> bool {
        self.pending.values().map(Vec::len).sum::<usize>() >= PENDING_MAX
    }

    /// What searches find of these messages.
    async fn find(
        &self,
        generation: &Generation,
        partition: u16,
        messages: &[Expected],
    ) -> Result<HashMap<(u32, u64, u64), u64>, IndexError> {
        let keys: Vec<_> = messages.iter().map(Expected::key).collect();
        self.index.live_versions(generation, partition, &keys).await
    }

    /// The message as its row is now; `None` where the row is gone or lies below something deleted.
    async fn now(&self, message: &Expected) -> Result<Option<Expected>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT messages.version, messages.deleted_at IS NOT NULL FROM messages \
             JOIN chats ON chats.application = messages.application AND chats.number = messages.chat \
             AND chats.deleted_at IS NULL \
             JOIN applications ON applications.id = messages.application AND applications.deleted_at IS NULL \
             WHERE messages.application = ? AND messages.chat = ? AND messages.number = ?",
        )
        .bind(message.application)
        .bind(message.chat)
        .bind(message.number)
        .fetch_optional(&self.reads)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Expected {
            version: row.try_get(0)?,
            is_deleted: row.try_get::<i64, _>(1)? == 1,
            ..message.clone()
        }))
    }

    /// Whether what was found is wrong, by the row as it is now: the index may have been ahead of what was read before,
    /// and be behind what is read now.
    async fn is_confirmed(&self, message: &Expected, found: Option<u64>) -> Result<bool, sqlx::Error> {
        let Some(now) = self.now(message).await? else {
            return Ok(false);
        };
        let is_same = (now.version, now.is_deleted) == (message.version, message.is_deleted);
        Ok(match found {
            // A live message stays in the index, whatever version it has.
            None => !now.is_deleted,
            Some(found) if found > message.version => found > now.version,
            Some(_) => is_same || !message.is_deleted,
        })
    }

    /// Writes documents of these messages again, as their rows are now.
    async fn rewrite(
        &self,
        generation: &Generation,
        partition: u16,
        messages: &[Expected],
    ) -> Result<(), IndexerError> {
        for messages in messages.chunks(REWRITTEN_MAX) {
            let keys: Vec<String> = messages
                .iter()
                .map(|message| format!("({}, {}, {})", message.application, message.chat, message.number))
                .collect();
            let text = format!(
                "SELECT {MESSAGE_COLUMNS}, applications.token FROM messages \
                 JOIN applications ON applications.id = messages.application \
                 WHERE (messages.application, messages.chat, messages.number) IN ({})",
                keys.join(", ")
            );
            let found = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&self.reads).await?;
            let mut documents = Vec::new();
            for row in &found {
                if let Some(message) = rows::message(row, 0)? {
                    let token = rows::token(row, MESSAGE_COLUMNS_COUNT)?;
                    documents.push(Document {
                        replaces: Replaces::Same,
                        ..message_document(&message, &token, partition)
                    });
                }
            }
            if let Some(refused) = self.index.store(generation, &documents).await?.pop() {
                let id = &documents[refused.index].id;
                return Err(IndexError::Document(format!("{id}: {}", refused.reason)).into());
            }
        }
        self.index.refresh(generation).await?;
        Ok(())
    }

    /// Brings the index after the database, which makes one anew that is of something else or ahead.
    async fn index_all(&self) -> Result<(), IndexerError> {
        let indexer = Indexer::new(self.reads.clone(), self.index.clone());
        for (partition, end) in indexer.positions().await? {
            match indexer.index_partition(partition, end).await {
                // It was given up a moment ago.
                Err(IndexerError::Index(IndexError::Missing)) => {
                    indexer.index_partition(partition, end).await?;
                }
                indexed => {
                    indexed?;
                }
            }
        }
        Ok(())
    }
}

impl Verifier<'_> {
    /// Whether the index is of this database, and nowhere ahead of it.
    pub(super) async fn check_index_state(&mut self) -> Result<(), VerifyError> {
        let problem = match self.index.index.standing().await {
            Ok(Standing::Ours(generation)) => self.find_ahead(&generation).await?,
            Ok(Standing::Foreign(generation)) => Some((
                format!("search index {}", generation.index()),
                "it was made of another database, or by an earlier folding".to_owned(),
            )),
            Ok(Standing::Nothing) => None,
            Err(error) => {
                self.index.end(error);
                None
            }
        };
        let Some((place, problem)) = problem else {
            return Ok(());
        };
        let remedy = if self.options.repair {
            match self.index.index_all().await {
                Ok(()) => Remedy::Repaired,
                Err(error) => {
                    self.index.end(error);
                    Remedy::Repair
                }
            }
        } else {
            Remedy::Repair
        };
        self.report.found(place, problem, remedy);
        Ok(())
    }

    async fn find_ahead(&mut self, generation: &Generation) -> Result<Option<(String, String)>, VerifyError> {
        let partitions: Vec<u16> = sqlx::query_scalar("SELECT id FROM partitions ORDER BY id")
            .fetch_all(&self.reads)
            .await?;
        for partition in partitions {
            let watermark = match self.index.index.watermark(generation, partition).await {
                Ok(watermark) => watermark,
                Err(error) => {
                    self.index.end(error);
                    return Ok(None);
                }
            };
            // After the watermark, so that it can only be higher.
            let position: u64 = sqlx::query_scalar("SELECT position FROM partitions WHERE id = ?")
                .bind(partition)
                .fetch_one(&self.reads)
                .await?;
            if watermark > position {
                let place = format!("search index {}, partition {partition}", generation.index());
                let problem = format!("it is indexed through {watermark}, its position is {position}");
                return Ok(Some((place, problem)));
            }
        }
        Ok(None)
    }

    /// Compares what waits to be compared. Not to be called while a snapshot is open.
    pub(super) async fn compare_with_index(&mut self) -> Result<(), VerifyError> {
        let Some(generation) = self.index.generation.clone() else {
            return Ok(());
        };
        for (partition, messages) in std::mem::take(&mut self.index.pending) {
            for messages in messages.chunks(COMPARED_MAX) {
                if let Err(error) = self.compare_chunk(&generation, partition, messages).await? {
                    self.index.end(error);
                    return Ok(());
                }
                self.index.documents += messages.len() as u64;
            }
        }
        Ok(())
    }

    async fn compare_chunk(
        &mut self,
        generation: &Generation,
        partition: u16,
        messages: &[Expected],
    ) -> Result<Result<(), IndexerError>, VerifyError> {
        let found = match self.index.find(generation, partition, messages).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut wrong = Vec::new();
        for message in messages {
            let found = found.get(&message.key()).copied();
            if let Some(problem) = message.problem(found)
                && self.index.is_confirmed(message, found).await?
            {
                wrong.push((message.clone(), problem));
            }
        }
        if wrong.is_empty() {
            return Ok(Ok(()));
        }
        self.report_wrong(generation, partition, wrong).await
    }

    async fn report_wrong(
        &mut self,
        generation: &Generation,
        partition: u16,
        wrong: Vec<(Expected, String)>,
    ) -> Result<Result<(), IndexerError>, VerifyError> {
        if !self.options.repair {
            for (message, problem) in wrong {
                let place = message.named.message(message.chat, message.number);
                self.report.found(place, problem, Remedy::Repair);
            }
            return Ok(Ok(()));
        }
        let messages: Vec<Expected> = wrong.iter().map(|(message, _)| message.clone()).collect();
        let rewritten = match self.index.rewrite(generation, partition, &messages).await {
            Ok(()) => self.index.find(generation, partition, &messages).await,
            Err(error) => return Ok(Err(error)),
        };
        let found = match rewritten {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.into())),
        };
        for (message, problem) in wrong {
            let place = message.named.message(message.chat, message.number);
            let now = found.get(&message.key()).copied();
            let is_still = message.problem(now).is_some() && self.index.is_confirmed(&message, now).await?;
            let remedy = if is_still { Remedy::None } else { Remedy::Repaired };
            self.report.found(place, problem, remedy);
        }
        Ok(Ok(()))
    }
}
