//! Which numbers of a list are live, and how many: a tree that counts what was deleted, 256 below each node.
//!
//! Block `b` of level 0 says which of the numbers 256 b + 1 to 256 b + 256 were deleted; a node of level l counts, for each
//! of its 256 nodes of level l - 1, the deleted numbers below it. A number counts only in the nodes that a list of just
//! that length needs: so block 0 of a level leaves its first node out, and a short list has no upper levels to keep.

use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Numbers below the highest level: all there are.
const LEVELS: u32 = 8;
/// Nodes, or numbers, below one node.
const FAN_OUT_BITS: u32 = 8;

/// A list whose things are numbered 1, 2, 3 … and stay as tombstones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberedList {
    /// The chats of an application.
    Chats,
    /// The messages of a chat.
    Messages {
        /// The chat's number.
        chat: u64,
    },
}

/// The place of one node among the deleted counts of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeletedPlace {
    /// Which list.
    pub list: NumberedList,
    /// 0 for single numbers, at most 7.
    pub level: u8,
    /// From 0, within the level.
    pub block: u64,
}

/// How much was deleted below one node. What no engine has stored counts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletedNode {
    /// Level 0: bit n % 64 of word n / 64 stands for the n-th number of the block, from 0.
    Numbers([u64; 4]),
    /// Higher levels: how many below each node that has any, which is more than 0.
    Below(BTreeMap<u8, u64>),
}

impl DeletedNode {
    fn empty(level: u8) -> DeletedNode {
        if level == 0 {
            DeletedNode::Numbers([0; 4])
        } else {
            DeletedNode::Below(BTreeMap::new())
        }
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        match self {
            DeletedNode::Numbers(words) => words.iter().map(|word| u64::from(word.count_ones())).sum(),
            DeletedNode::Below(counts) => counts.values().sum(),
        }
    }

    fn at(&self, index: u8) -> u64 {
        match self {
            DeletedNode::Numbers(words) => (words[usize::from(index / 64)] >> (index % 64)) & 1,
            DeletedNode::Below(counts) => counts.get(&index).copied().unwrap_or(0),
        }
    }

    fn before(&self, index: u8) -> u64 {
        match self {
            DeletedNode::Numbers(_) => (0..index).map(|earlier| self.at(earlier)).sum(),
            DeletedNode::Below(counts) => counts.range(..index).map(|(_, count)| count).sum(),
        }
    }

    fn count(&mut self, index: u8) {
        match self {
            DeletedNode::Numbers(words) => words[usize::from(index / 64)] |= 1 << (index % 64),
            DeletedNode::Below(counts) => *counts.entry(index).or_default() += 1,
        }
    }
}

/// The level of the lowest node whose block 0 reaches a number; numbers here are counted from 0.
fn top_level(number: u64) -> u32 {
    (u64::BITS - number.leading_zeros())
        .div_ceil(FAN_OUT_BITS)
        .saturating_sub(1)
}

fn block(number: u64, level: u32) -> u64 {
    number.checked_shr(FAN_OUT_BITS * (level + 1)).unwrap_or(0)
}

fn index(number: u64, level: u32) -> u8 {
    (number >> (FAN_OUT_BITS * level)) as u8
}

fn as_level(level: u32) -> u8 {
    u8::try_from(level).expect("there are eight levels")
}

impl NumberedList {
    fn place(self, level: u32, block: u64) -> DeletedPlace {
        let level = as_level(level);
        DeletedPlace {
            list: self,
            level,
            block,
        }
    }

    /// The nodes in which a number counts when it is deleted, lowest first; 0 names nothing and counts nowhere.
    pub fn places_of(self, number: u64) -> impl Iterator<Item = DeletedPlace> {
        let levels = number.checked_sub(1).map_or(0, |from_0| top_level(from_0) + 1);
        (0..levels).map(move |level| self.place(level, block(number - 1, level)))
    }

    /// The nodes that [`deleted_through`] asks for.
    pub fn places_through(self, number: u64) -> impl Iterator<Item = DeletedPlace> {
        let shorter = number.checked_sub(1).map_or(0, top_level);
        let first_blocks = (0..shorter).map(move |level| self.place(level, 0));
        first_blocks.chain(self.places_of(number))
    }
}

impl DeletedPlace {
    /// Counts a number, of whose places this is one, in its node.
    pub fn count(self, number: u64, node: &mut Option<Arc<DeletedNode>>) {
        let node = node.get_or_insert_with(|| Arc::new(DeletedNode::empty(self.level)));
        Arc::make_mut(node).count(index(number - 1, u32::from(self.level)));
    }
}

/// How an engine's node is asked for; `None` if nothing below it was deleted.
type Found<E> = Result<Option<Arc<DeletedNode>>, E>;

/// How many of the numbers from 1 to `number` were deleted. Asks `find` for at most 15 nodes, fewer than two a level.
///
/// # Errors
/// The first error of `find`.
pub fn deleted_through<E>(
    list: NumberedList,
    number: u64,
    mut find: impl FnMut(DeletedPlace) -> Found<E>,
) -> Result<u64, E> {
    let Some(from_0) = number.checked_sub(1) else {
        return Ok(0);
    };
    let top = top_level(from_0);
    let mut deleted = 0;
    for level in 0..top {
        deleted += find(list.place(level, 0))?.map_or(0, |node| node.total());
    }
    for level in 0..=top {
        if let Some(node) = find(list.place(level, block(from_0, level)))? {
            deleted += node.before(index(from_0, level));
            if level == 0 {
                deleted += node.at(index(from_0, 0));
            }
        }
    }
    Ok(deleted)
}

/// The live numbers of a list from 1 to `last`, without the first `skip`, at most `limit`, in order.
/// Asks `find` for at most 16 nodes for each block of 256 numbers that they lie in.
///
/// # Errors
/// The first error of `find`.
pub fn live_numbers<E>(
    list: NumberedList,
    last: u64,
    range: LiveRange,
    mut find: impl FnMut(DeletedPlace) -> Found<E>,
) -> Result<Vec<u64>, E> {
    let mut numbers = Vec::new();
    let wanted = range.limit as usize;
    while numbers.len() < wanted {
        let Some(first) = nth_live(
            list,
            last,
            range.skip.saturating_add(numbers.len() as u64),
            &mut find,
        )?
        else {
            break;
        };
        let node = find(list.place(0, block(first, 0)))?;
        let is_live = |number: &u64| node.as_ref().is_none_or(|node| node.at(index(*number, 0)) == 0);
        let end = (first | 0xff).min(last - 1);
        let room = wanted - numbers.len();
        numbers.extend((first..=end).filter(is_live).take(room).map(|from_0| from_0 + 1));
    }
    Ok(numbers)
}

/// The live number that has so many live ones `before` it, counted from 0; `None` past the last.
fn nth_live<E>(
    list: NumberedList,
    last: u64,
    mut before: u64,
    find: &mut impl FnMut(DeletedPlace) -> Found<E>,
) -> Result<Option<u64>, E> {
    for level in 0..LEVELS {
        let shift = FAN_OUT_BITS * level;
        let first = if level == 0 { 0 } else { 1 << shift };
        if first >= last {
            return Ok(None);
        }
        let end = 1_u64
            .checked_shl(shift + FAN_OUT_BITS)
            .unwrap_or(u64::MAX)
            .min(last);
        let node = find(list.place(level, 0))?;
        let live = (end - first).saturating_sub(node.as_ref().map_or(0, |node| node.total()));
        if before < live {
            return descend(list, (level, last, before), node, find);
        }
        before -= live;
    }
    Ok(None)
}

/// The same below block 0 of a level, whose first node is left out.
fn descend<E>(
    list: NumberedList,
    (mut level, last, mut before): (u32, u64, u64),
    mut node: Option<Arc<DeletedNode>>,
    find: &mut impl FnMut(DeletedPlace) -> Found<E>,
) -> Result<Option<u64>, E> {
    let mut block = 0_u64;
    'levels: loop {
        let width = FAN_OUT_BITS * level;
        for index in u8::from(level > 0 && block == 0)..=u8::MAX {
            let child = (block << FAN_OUT_BITS) | u64::from(index);
            let first = child << width;
            if first >= last {
                return Ok(None);
            }
            let size = (last - first).min(1 << width);
            let live = size.saturating_sub(node.as_ref().map_or(0, |node| node.at(index)));
            if before < live {
                let Some(lower) = level.checked_sub(1) else {
                    return Ok(Some(child));
                };
                (level, block) = (lower, child);
                node = find(list.place(level, block))?;
                continue 'levels;
            }
            before -= live;
        }
        return Ok(None);
    }
}

/// Which live things of a numbered list are wanted, in order of their numbers. The page's `next` is the `skip` of the
/// next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveRange {
    /// Live things before the page.
    pub skip: u64,
    /// 1 to [`crate::PAGE_LIMIT_MAX`].
    pub limit: u32,
}

impl LiveRange {
    /// From where the list goes on after a page of `taken` things, in a list of `live`; `None` at its end.
    #[must_use]
    pub fn next(self, taken: usize, live: u64) -> Option<u64> {
        let reached = self.skip.saturating_add(taken as u64);
        (taken > 0 && reached < live).then_some(reached)
    }
}
