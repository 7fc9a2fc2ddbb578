//! Rows of one snapshot that were read before.
//!
//! A snapshot never changes, so nothing here is ever outdated; all of it goes with its snapshot. Looking a row up in the
//! tree costs some microseconds, and every read of a message looks at its application and its chat first. Pages keep
//! blocks of messages decoded; single messages keep only the block's bytes, of which they decode one message.

use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lsm_tree::Slice;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tiro_core::{Application, ApplicationId, Chat, Message};

use super::keys::{Kind, block_first_number, key, message_block};
use super::rows::decode_message_after;
use super::{Snapshot, ViewError};

const APPLICATIONS_MAX: u64 = 1_000;
const CHATS_MAX: u64 = 10_000;
/// Of decoded blocks, and as much again of undecoded ones.
const BLOCKS_BYTES_MAX: u64 = 24 * 1024 * 1024;
/// What a block takes, about; only used to size tables that grow by themselves.
const BLOCK_BYTES: u64 = 2 * 1024;
/// What a decoded message takes beyond its texts: itself and three allocations.
const MESSAGE_BYTES: usize = 192;

type Rows<K, V> = Cache<K, V, Weight, RandomState>;
type Block = (ApplicationId, u64, u64);

/// See the file.
pub(super) struct RowCache {
    applications: Rows<ApplicationId, Arc<Application>>,
    chats: Rows<(ApplicationId, u64), Arc<Chat>>,
    blocks: Rows<Block, Arc<[Message]>>,
    block_rows: Rows<Block, Slice>,
}

impl RowCache {
    pub(super) fn new() -> RowCache {
        let blocks = BLOCKS_BYTES_MAX / BLOCK_BYTES;
        RowCache {
            applications: cache(APPLICATIONS_MAX, APPLICATIONS_MAX),
            chats: cache(CHATS_MAX, CHATS_MAX),
            blocks: cache(blocks, BLOCKS_BYTES_MAX),
            block_rows: cache(blocks, BLOCKS_BYTES_MAX),
        }
    }
}

fn cache<K: Eq + Hash, V: Clone>(rows: u64, weight: u64) -> Rows<K, V>
where
    Weight: Weighter<K, V>,
{
    let rows = usize::try_from(rows).expect("a few thousand");
    Cache::with(
        rows,
        weight,
        Weight,
        RandomState::default(),
        DefaultLifecycle::default(),
    )
}

/// Heads count as one each, blocks by their bytes.
#[derive(Clone)]
struct Weight;

impl<K> Weighter<K, Arc<Application>> for Weight {
    fn weight(&self, _: &K, _: &Arc<Application>) -> u64 {
        1
    }
}

impl<K> Weighter<K, Arc<Chat>> for Weight {
    fn weight(&self, _: &K, _: &Arc<Chat>) -> u64 {
        1
    }
}

impl<K> Weighter<K, Arc<[Message]>> for Weight {
    fn weight(&self, _: &K, messages: &Arc<[Message]>) -> u64 {
        let bytes = messages.iter().map(|message| message.bytes() + MESSAGE_BYTES);
        bytes.sum::<usize>() as u64
    }
}

impl<K> Weighter<K, Slice> for Weight {
    fn weight(&self, _: &K, row: &Slice) -> u64 {
        row.len() as u64
    }
}

/// The row of a key, found here or by `find`, and then kept.
fn kept<K: Copy + Eq + Hash, V: Clone>(
    rows: &Rows<K, V>,
    key: K,
    find: impl FnOnce() -> Result<Option<V>, ViewError>,
) -> Result<Option<V>, ViewError>
where
    Weight: Weighter<K, V>,
{
    if let Some(row) = rows.get(&key) {
        return Ok(Some(row));
    }
    let found = find()?;
    if let Some(row) = &found {
        rows.insert(key, row.clone());
    }
    Ok(found)
}

/// Reads that keep what they found. Scans, which see each row once, use the plain ones.
impl Snapshot {
    pub(crate) fn cached_application(
        &self,
        id: ApplicationId,
    ) -> Result<Option<Arc<Application>>, ViewError> {
        kept(&self.rows.applications, id, || {
            Ok(self.application(id)?.map(Arc::new))
        })
    }

    pub(crate) fn cached_chat(&self, id: ApplicationId, chat: u64) -> Result<Option<Arc<Chat>>, ViewError> {
        kept(&self.rows.chats, (id, chat), || {
            Ok(self.chat(id, chat)?.map(Arc::new))
        })
    }

    /// The messages of a block, as [`Snapshot::messages_in_block`] answers them.
    pub(crate) fn cached_messages_in_block(
        &self,
        id: ApplicationId,
        chat: u64,
        block: u64,
    ) -> Result<Arc<[Message]>, ViewError> {
        let rows = &self.rows.blocks;
        if let Some(messages) = rows.get(&(id, chat, block)) {
            return Ok(messages);
        }
        let messages: Arc<[Message]> = self.messages_in_block(id, chat, block)?.into();
        rows.insert((id, chat, block), Arc::clone(&messages));
        Ok(messages)
    }

    /// A message, in whichever row it stands.
    pub(crate) fn cached_message(
        &self,
        id: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, ViewError> {
        if number == 0 {
            return Ok(None);
        }
        let block = message_block(number);
        if let Some(messages) = self.rows.blocks.get(&(id, chat, block)) {
            return Ok(messages.iter().find(|message| message.number == number).cloned());
        }
        let row = kept(&self.rows.block_rows, (id, chat, block), || {
            self.get(&key(Kind::MessageBlock, id, &[chat, block]))
        })?;
        match row {
            Some(row) => {
                let before = number - block_first_number(block);
                Ok(Some(decode_message_after(&row, before)?))
            }
            None => self.single_message(id, chat, number),
        }
    }
}
