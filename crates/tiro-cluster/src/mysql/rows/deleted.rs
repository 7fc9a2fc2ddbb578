//! Rows of `deleted_counts`: what was deleted below a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{ApplicationId, DeletedNode, DeletedPlace, NumberedList};

use super::Corrupt;

/// Of `deleted_counts`.
pub(crate) const DELETED_COLUMNS: &str = "deleted_counts.application, deleted_counts.chat, deleted_counts.level, \
     deleted_counts.block, deleted_counts.counts";

/// A row in the columns from `at` on.
pub(crate) fn deleted(
    row: &MySqlRow,
    at: usize,
) -> Result<(ApplicationId, DeletedPlace, Arc<DeletedNode>), Corrupt> {
    let chat: u64 = row.try_get(at + 1)?;
    let list = if chat == 0 {
        NumberedList::Chats
    } else {
        NumberedList::Messages { chat }
    };
    let level = row.try_get(at + 2)?;
    let place = DeletedPlace {
        list,
        level,
        block: row.try_get(at + 3)?,
    };
    let node = decode_deleted(level, row.try_get(at + 4)?)?;
    Ok((ApplicationId(row.try_get(at)?), place, Arc::new(node)))
}

/// Level 0: four words of 64 bits. Above: an index and eight bytes for each node below that has any. Big-endian.
pub(crate) fn encode_deleted(node: &DeletedNode) -> Vec<u8> {
    match node {
        DeletedNode::Numbers(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
        DeletedNode::Below(counts) => {
            let entry = |(index, count): (&u8, &u64)| {
                let mut entry = vec![*index];
                entry.extend(count.to_be_bytes());
                entry
            };
            counts.iter().flat_map(entry).collect()
        }
    }
}

/// Reads what [`encode_deleted`] wrote for a node of this level.
pub(crate) fn decode_deleted(level: u8, bytes: &[u8]) -> Result<DeletedNode, Corrupt> {
    let corrupt = || Corrupt("a row of deleted_counts has another length".to_owned());
    if level == 0 {
        let mut words = [0; 4];
        let (chunks, rest) = bytes.as_chunks::<8>();
        if chunks.len() != words.len() || !rest.is_empty() {
            return Err(corrupt());
        }
        for (word, chunk) in words.iter_mut().zip(chunks) {
            *word = u64::from_be_bytes(*chunk);
        }
        return Ok(DeletedNode::Numbers(words));
    }
    let (entries, rest) = bytes.as_chunks::<9>();
    if !rest.is_empty() {
        return Err(corrupt());
    }
    let entry = |entry: &[u8; 9]| {
        let [index, count @ ..] = *entry;
        (index, u64::from_be_bytes(count))
    };
    Ok(DeletedNode::Below(
        entries.iter().map(entry).collect::<BTreeMap<_, _>>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_back_as_they_went_in() {
        let lowest = DeletedNode::Numbers([1, u64::MAX, 0, 1 << 63]);
        assert_eq!(decode_deleted(0, &encode_deleted(&lowest)), Ok(lowest));
        let upper = DeletedNode::Below(BTreeMap::from([(0, 1), (7, 300), (255, u64::MAX)]));
        assert_eq!(decode_deleted(1, &encode_deleted(&upper)), Ok(upper));
        assert!(decode_deleted(0, &[0; 31]).is_err());
        assert!(decode_deleted(1, &[0; 10]).is_err());
    }
}
