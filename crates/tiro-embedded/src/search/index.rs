//! The index on disk: opened if it is whole and fits the log, made anew if not, and written by one thread.
//!
//! A commit is atomic and says in its payload up to which point of the log it goes. Only the indexer's thread has this;
//! searches have the [`Committed`] of the last commit.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::directory::error::OpenReadError;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyError};

use super::committed::Committed;
use super::directory::CheckedDirectory;
use super::documents::{Change, Documents};
use super::grams::{PackedGrams, TOKENIZER};
use super::payload;
use super::rows::{Gone, Rows};
use super::schema::{Fields, schema};
use crate::log::LogPoint;

/// Memory in which the documents of one commit are gathered; beyond it they become several segments.
const WRITER_BYTES: usize = 48 * 1024 * 1024;
/// At this share of deleted documents a segment is written anew.
const DELETED_SHARE_MAX: f32 = 0.3;

/// Why there is no index now.
#[derive(Debug)]
pub(super) enum IndexError {
    /// It is damaged, of another version or of another log: it is to be made anew.
    Unusable(String),
    /// The machine refused something; the index may be well.
    Refused(String),
}

impl std::fmt::Display for IndexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IndexError::Unusable(why) | IndexError::Refused(why) => f.write_str(why),
        }
    }
}

impl From<TantivyError> for IndexError {
    fn from(error: TantivyError) -> IndexError {
        let refused = match &error {
            TantivyError::IoError(error) => is_refusal(error),
            TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => is_refusal(io_error),
            TantivyError::OpenDirectoryError(_)
            | TantivyError::OpenWriteError(_)
            | TantivyError::LockFailure(..)
            | TantivyError::ErrorInThread(_)
            | TantivyError::Poisoned
            | TantivyError::SystemError(_) => true,
            _ => false,
        };
        if refused {
            IndexError::Refused(error.to_string())
        } else {
            IndexError::Unusable(error.to_string())
        }
    }
}

/// Whatever else than bytes that are missing or wrong.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    !matches!(error.kind(), InvalidData | NotFound | UnexpectedEof)
}

/// An open index.
pub(super) struct DiskIndex {
    index: Index,
    reader: IndexReader,
    /// Made when the first thing is written, so that a server at rest has no writer.
    writer: Option<IndexWriter>,
    documents: Documents,
    /// How far the last commit goes; `None` if there was none.
    through: Option<LogPoint>,
    /// Whether it was begun by this process.
    is_new: bool,
}

impl DiskIndex {
    /// Opens what is there and looks at every byte of it.
    pub(super) fn open(folder: &Path) -> Result<DiskIndex, IndexError> {
        // Without its list of files the crate would take none of them for its own, and check none.
        for list in ["meta.json", ".managed.json"] {
            if !folder.join(list).exists() {
                return Err(IndexError::Unusable(format!("there is no {list}")));
            }
        }
        let mut index = Index::open(CheckedDirectory::open(folder)?)?;
        let (schema, fields) = schema();
        let payload = index.load_metas()?.payload;
        let through = payload.as_deref().and_then(payload::decode);
        if through.is_none() || index.schema() != schema {
            return Err(IndexError::Unusable(
                "another version of Tiro made it, or other rules of folding".into(),
            ));
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.iter().min() {
            return Err(IndexError::Unusable(format!("{} is damaged", file.display())));
        }
        index.set_tokenizers(tokenizers());
        DiskIndex::over(index, fields, through)
    }

    /// Removes what is there and begins an empty index.
    pub(super) fn create(folder: &Path) -> Result<DiskIndex, IndexError> {
        remove(folder)?;
        std::fs::create_dir_all(folder).map_err(|error| refused("create", folder, &error))?;
        let (schema, fields) = schema();
        let directory = CheckedDirectory::open(folder)?;
        let mut index = Index::create(directory, schema, IndexSettings::default())?;
        index.set_tokenizers(tokenizers());
        DiskIndex::over(index, fields, None)
    }

    fn over(index: Index, fields: Fields, through: Option<LogPoint>) -> Result<DiskIndex, IndexError> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        Ok(DiskIndex {
            reader: reader.try_into()?,
            index,
            writer: None,
            documents: Documents::new(fields),
            is_new: through.is_none(),
            through,
        })
    }

    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn through(&self) -> Option<LogPoint> {
        self.through
    }

    /// The index as of its last commit.
    pub(super) fn committed(&self) -> Result<Committed, IndexError> {
        Ok(Committed::open(self.reader.searcher())?)
    }

    /// Takes rows in; they are found after the next commit.
    pub(super) fn add(&mut self, rows: &Rows) -> Result<(), IndexError> {
        if rows.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(writer_of(&self.index)?),
        };
        self.documents.each_change(&rows.written, |change| {
            match change {
                Change::Add(document) => writer.add_document(document)?,
                Change::Delete(term) => writer.delete_term(term),
            };
            Ok::<_, TantivyError>(())
        })?;
        // Nothing is written below what is gone, so these come last.
        let (_, fields) = schema();
        for Gone { application, chat } in &rows.gone {
            writer.delete_term(match chat {
                Some(chat) => fields.in_chat(*application, *chat),
                None => fields.in_application(*application),
            });
        }
        Ok(())
    }

    /// Makes all that was taken in findable, and durable together with the point of the log that it reaches.
    pub(super) fn commit(&mut self, through: LogPoint) -> Result<Committed, IndexError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(writer_of(&self.index)?),
        };
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&payload::encode(through));
        prepared.commit()?;
        self.through = Some(through);
        self.reader.reload()?;
        self.committed()
    }
}

/// The crate's writer lets its merges run on when it goes, and they would write into a folder that another index, a check
/// or an operator has by then.
impl Drop for DiskIndex {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.writer.take().map(IndexWriter::wait_merging_threads) {
            tracing::warn!(%error, "the last merge of the search index failed; what it was to replace is still there");
        }
    }
}

fn writer_of(index: &Index) -> Result<IndexWriter, TantivyError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_BYTES)
        .build();
    let writer = index.writer_with_options(options)?;
    let mut merging = LogMergePolicy::default();
    merging.set_del_docs_ratio_before_merge(DELETED_SHARE_MAX);
    writer.set_merge_policy(Box::new(merging));
    Ok(writer)
}

fn tokenizers() -> TokenizerManager {
    // The writer asks for a tokenizer of every field, also of those that are not texts.
    let tokenizers = TokenizerManager::default();
    tokenizers.register(TOKENIZER, PackedGrams::default());
    tokenizers
}

/// Removes the folder, if it is there.
fn remove(folder: &Path) -> Result<(), IndexError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", folder, &error)),
        _ => Ok(()),
    }
}

fn refused(doing: &str, folder: &Path, error: &io::Error) -> IndexError {
    let folder: PathBuf = folder.into();
    IndexError::Refused(format!("cannot {doing} {}: {error}", folder.display()))
}
