//! The view: rows by key for reads, derived from the log and disposable.
//!
//! One LSM tree without a journal of its own: the log is its journal. Every flushed table holds the progress row of the
//! same moment, so after a crash the tree is whole at some point of the log, and the log is replayed from there.
//! A [`Snapshot`] is one published state; readers hold one while they read.

pub(crate) mod apply;
mod cache;
pub(crate) mod compactor;
pub(crate) mod keys;
mod manifest;
mod markers;
pub(crate) mod purge;
pub(crate) mod rows;
pub(crate) mod space;
pub(crate) mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lsm_tree::{AbstractTree, AnyTree, Cache, Config, DescriptorTable, Guard, SequenceNumberCounter, Slice};
use parking_lot::Mutex;
use rustix::io::Errno;
use tiro_core::{
    Application, ApplicationId, Change, Chat, DeletedNode, DeletedPlace, KeyName, Message, NumberedList,
    Token,
};

use crate::disk::remedy;
use crate::encoding::{Corrupt, Decoder};
use crate::log::LogPoint;
use cache::RowCache;
use keys::{Kind, key};
use rows::{Progress, decode_changes, decode_deleted, decode_messages, decode_number, decoded};
use space::{Space, ViewOptions};
use trouble::Trouble;

/// Blocks of tables kept in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Open table files.
const OPEN_FILES_MAX: usize = 256;

/// Why the view could not be read or written. The view can be made anew from the log.
#[derive(Debug)]
pub enum ViewError {
    /// The tree failed.
    Tree(lsm_tree::Error),
    /// A row does not decode.
    Row(Corrupt),
    /// The follower has stopped.
    Stopped,
}

impl std::fmt::Display for ViewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ViewError::Tree(error) => {
                let remedy = self.refused().map_or("", remedy);
                write!(f, "the view failed: {error}{remedy}")
            }
            ViewError::Row(corrupt) => write!(f, "the view holds a bad row: {corrupt}"),
            ViewError::Stopped => write!(f, "the view is not followed any more"),
        }
    }
}

impl std::error::Error for ViewError {}

impl ViewError {
    /// Whether the machine refused something, so that the view itself may be well: space, rights, open files.
    pub(crate) fn refused(&self) -> Option<&io::Error> {
        let ViewError::Tree(lsm_tree::Error::Io(error)) = self else {
            return None;
        };
        let by_kind = matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::OutOfMemory
                | ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
        );
        let too_many_files = matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE));
        (by_kind || too_many_files).then_some(error)
    }
}

impl From<lsm_tree::Error> for ViewError {
    fn from(error: lsm_tree::Error) -> ViewError {
        ViewError::Tree(error)
    }
}

impl From<Corrupt> for ViewError {
    fn from(corrupt: Corrupt) -> ViewError {
        ViewError::Row(corrupt)
    }
}

/// The tree and what its threads share. Only the follower writes.
pub(crate) struct View {
    tree: AnyTree,
    /// Gives every write round, flush and compaction its number.
    sequence: SequenceNumberCounter,
    /// Snapshots that readers may still hold, oldest first; the last one is current.
    snapshots: Mutex<VecDeque<Arc<Snapshot>>>,
    /// What lies below this sequence no snapshot needs.
    watermark: AtomicU64,
    space: Space,
    trouble: Arc<Trouble>,
}

/// One published state of the view.
pub(crate) struct Snapshot {
    tree: AnyTree,
    sequence: u64,
    progress: Option<Progress>,
    rows: RowCache,
    trouble: Arc<Trouble>,
}

impl View {
    /// Opens the tree in a folder, or begins one.
    pub(crate) fn open(folder: &Path, options: ViewOptions) -> Result<View, ViewError> {
        manifest::check(folder)?;
        let (sequence, visible) = (SequenceNumberCounter::default(), SequenceNumberCounter::default());
        let tree = Config::new(folder, sequence.clone(), visible)
            .use_cache(Arc::new(Cache::with_capacity_bytes(CACHE_BYTES)))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(OPEN_FILES_MAX))))
            .open()?;
        sequence.fetch_max(tree.get_highest_seqno().map_or(1, |highest| highest + 1));
        let view = View {
            tree,
            sequence,
            snapshots: Mutex::default(),
            watermark: AtomicU64::new(0),
            space: Space::new(folder, options),
            trouble: Arc::default(),
        };
        view.publish()?;
        Ok(view)
    }

    /// Makes all that was written so far one state, and lets go of states that nobody reads.
    fn publish(&self) -> Result<Arc<Snapshot>, ViewError> {
        let mut snapshot = Snapshot {
            tree: self.tree.clone(),
            sequence: self.sequence.next(),
            progress: None,
            rows: RowCache::new(),
            trouble: Arc::clone(&self.trouble),
        };
        snapshot.progress = snapshot.read_progress()?;
        let snapshot = Arc::new(snapshot);
        let mut snapshots = self.snapshots.lock();
        snapshots.push_back(Arc::clone(&snapshot));
        while snapshots.len() > 1 && Arc::strong_count(&snapshots[0]) == 1 {
            snapshots.pop_front();
        }
        self.watermark.store(snapshots[0].sequence, Ordering::Release);
        Ok(snapshot)
    }

    /// The state published last.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        let snapshots = self.snapshots.lock();
        Arc::clone(snapshots.back().expect("a view publishes a state when it opens"))
    }

    /// Who is told when rows cannot be read.
    pub(crate) fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    fn watermark(&self) -> u64 {
        self.watermark.load(Ordering::Acquire)
    }
}

impl Snapshot {
    fn read_progress(&self) -> Result<Option<Progress>, ViewError> {
        let row = self.get(&[Kind::Progress as u8])?;
        row.map(|value| Progress::decode(&value))
            .transpose()
            .map_err(ViewError::from)
    }

    /// How far this state follows the log; `None` for a new view.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// The point of the log that this state shows.
    pub(crate) fn applied(&self) -> LogPoint {
        self.progress.map_or(
            LogPoint {
                segment_first: 0,
                offset: 0,
                sequence: 0,
                checksum: 0,
            },
            |row| row.applied,
        )
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<lsm_tree::Slice>, ViewError> {
        let found = self.tree.get(key, self.sequence).map_err(ViewError::from);
        found.inspect_err(|error| self.trouble.report(error))
    }

    fn row<T>(
        &self,
        key: &[u8],
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, ViewError> {
        self.get(key)?
            .map(|value| decoded(&value, read))
            .transpose()
            .map_err(ViewError::from)
    }

    /// Rows between two keys, both included, in order; reversible.
    pub(crate) fn range(
        &self,
        keys: RangeInclusive<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = Result<(Slice, Slice), ViewError>> + use<> {
        let trouble = Arc::clone(&self.trouble);
        self.tree.range(keys, self.sequence, None).map(move |row| {
            let row = row.into_inner().map_err(ViewError::from);
            row.inspect_err(|error| trouble.report(error))
        })
    }

    /// Every application, tombstones and restores included, by number.
    pub(crate) fn applications(&self) -> impl Iterator<Item = Result<Application, ViewError>> + use<> {
        let first = key(Kind::Application, ApplicationId(0), &[]);
        let last = key(Kind::Application, ApplicationId(u32::MAX), &[]);
        let read = |(_, value): (Slice, Slice)| Ok(decoded(&value, Decoder::application)?);
        self.range(first..=last).map(move |row| row.and_then(read))
    }

    pub(crate) fn application_id(&self, token: &Token) -> Result<Option<ApplicationId>, ViewError> {
        self.row(&keys::token(token), |row| row.application_id())
    }

    pub(crate) fn application(&self, id: ApplicationId) -> Result<Option<Application>, ViewError> {
        self.row(&key(Kind::Application, id, &[]), |row| row.application())
    }

    pub(crate) fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, ViewError> {
        self.row(&key(Kind::Chat, application, &[chat]), |row| row.chat_row())
    }

    /// A message that is in no block row.
    fn single_message(
        &self,
        id: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        self.row(&key(Kind::Message, id, &[chat, number]), |row| row.message())
    }

    /// The messages of a block, in order, in whichever rows they stand.
    pub(crate) fn messages_in_block(
        &self,
        id: ApplicationId,
        chat: u64,
        block: u64,
    ) -> Result<Vec<Message>, ViewError> {
        if let Some(messages) = self.message_block(id, chat, block)? {
            return Ok(messages);
        }
        let (first, next) = (
            keys::block_first_number(block),
            keys::block_first_number(block + 1),
        );
        let rows =
            self.range(key(Kind::Message, id, &[chat, first])..=key(Kind::Message, id, &[chat, next - 1]));
        rows.map(|row| Ok(decoded(&row?.1, Decoder::message)?)).collect()
    }

    /// The messages of a block row, if these messages are in one.
    pub(crate) fn message_block(
        &self,
        id: ApplicationId,
        chat: u64,
        block: u64,
    ) -> Result<Option<Vec<Message>>, ViewError> {
        let value = self.get(&key(Kind::MessageBlock, id, &[chat, block]))?;
        value
            .map(|value| decode_messages(&value))
            .transpose()
            .map_err(ViewError::from)
    }

    pub(crate) fn change(&self, id: ApplicationId, position: u64) -> Result<Option<Change>, ViewError> {
        if let Some(changes) = self.change_block(id, keys::change_block(position))? {
            let index = (position - 1) % keys::BLOCK_CHANGES;
            return Ok(changes
                .into_iter()
                .nth(usize::try_from(index).expect("a block is short")));
        }
        self.row(&key(Kind::Change, id, &[position]), |row| row.change())
    }

    /// The changes of a block, in order, in whichever rows they stand.
    pub(crate) fn changes_in_block(&self, id: ApplicationId, block: u64) -> Result<Vec<Change>, ViewError> {
        if let Some(changes) = self.change_block(id, block)? {
            return Ok(changes);
        }
        let first = block * keys::BLOCK_CHANGES + 1;
        let last = first + keys::BLOCK_CHANGES - 1;
        let rows = self.range(key(Kind::Change, id, &[first])..=key(Kind::Change, id, &[last]));
        rows.map(|row| Ok(decoded(&row?.1, Decoder::change)?)).collect()
    }

    /// The changes of a block row, if these changes are in one.
    fn change_block(&self, id: ApplicationId, block: u64) -> Result<Option<Vec<Change>>, ViewError> {
        let value = self.get(&key(Kind::ChangeBlock, id, &[block]))?;
        value
            .map(|value| decode_changes(&value))
            .transpose()
            .map_err(ViewError::from)
    }

    pub(crate) fn key(
        &self,
        scope: Option<ApplicationId>,
        name: &KeyName,
    ) -> Result<Option<(ApplicationId, u64)>, ViewError> {
        let Some(value) = self.get(&keys::bound_key(scope, name))? else {
            return Ok(None);
        };
        let number = decode_number(&value)?;
        match scope {
            Some(application) => Ok(Some((application, number))),
            None => {
                let id = u32::try_from(number)
                    .map_err(|_| Corrupt("an application's number has more than 32 bits"))?;
                Ok(Some((ApplicationId(id), 1)))
            }
        }
    }

    pub(crate) fn deleted(
        &self,
        id: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<DeletedNode>, ViewError> {
        let value = self.get(&keys::deleted(id, place))?;
        let node = value.map(|value| decode_deleted(place.level, &value));
        node.transpose().map_err(ViewError::from)
    }

    /// All that was deleted of a list, by node.
    pub(crate) fn deleted_of(
        &self,
        id: ApplicationId,
        list: NumberedList,
    ) -> Result<BTreeMap<DeletedPlace, DeletedNode>, ViewError> {
        let of_list = |node| key(Kind::Deleted, id, &[keys::list_chat(list), node]);
        let rows = self.range(of_list(0)..=of_list(u64::MAX));
        let node = |row: Result<(lsm_tree::Slice, lsm_tree::Slice), ViewError>| {
            let (place, value) = row?;
            let place = keys::deleted_place(list, &place).ok_or(Corrupt("a key of deleted numbers"))?;
            Ok((place, decode_deleted(place.level, &value)?))
        };
        rows.map(node).collect()
    }
}
