//! The messages of runs as they are now: in memory, or in a row of the view, where most are refused without being decoded.
//!
//! Some runs are looked at together, so that the lock on what is in memory is taken once for all of them. What is not in
//! the active generation did not change in it, so the rows below fit.

use lsm_tree::Slice;
use tiro_core::Message;

use super::committed::Run;
use crate::encoding::{Corrupt, Decoder};
use crate::generation::Generation;
use crate::recent::{Below, Recent};
use crate::view::ViewError;
use crate::view::keys::{Kind, block_first_number, key, message_block};

/// A message of a run that was looked at.
pub(super) enum Seen<'a> {
    /// In memory.
    Decoded(&'a Message),
    /// In a row: its number and body, and where it begins in the row.
    Encoded { body: &'a str, from: &'a [u8] },
}

impl Seen<'_> {
    pub(super) fn body(&self) -> &str {
        match self {
            Seen::Decoded(message) => message.content.as_ref().map_or("", |content| &*content.body),
            Seen::Encoded { body, .. } => body,
        }
    }

    pub(super) fn message(&self) -> Result<Message, Corrupt> {
        match self {
            Seen::Decoded(message) => Ok((*message).clone()),
            Seen::Encoded { from, .. } => Decoder::new(from).message(),
        }
    }
}

/// Hands over every live message of some runs. `visit` also gets the run's index.
pub(super) fn each_message(
    recent: &Recent,
    runs: &[Run],
    mut visit: impl FnMut(usize, &Seen<'_>) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    let (changed, below) =
        recent.look(|active| runs.iter().map(|run| in_memory(active, run)).collect::<Vec<_>>());
    for (index, (run, changed)) in runs.iter().zip(&changed).enumerate() {
        let visit = &mut |seen: &Seen<'_>| visit(index, seen);
        each_of_run(&below, run, changed, visit)?;
    }
    Ok(())
}

fn in_memory(generation: &Generation, run: &Run) -> Vec<Message> {
    let Some(rows) = generation.chats.get(&(run.application, run.chat)) else {
        return Vec::new();
    };
    let numbers = run.first..run.first + run.count;
    numbers
        .filter_map(|number| rows.message(number).cloned())
        .collect()
}

type Visit<'a> = &'a mut dyn FnMut(&Seen<'_>) -> Result<(), ViewError>;

fn each_of_run(below: &Below, run: &Run, changed: &[Message], visit: Visit<'_>) -> Result<(), ViewError> {
    let mut known: Vec<u64> = Vec::with_capacity(changed.len());
    let frozen = below
        .frozen()
        .map_or_else(Vec::new, |frozen| in_memory(frozen, run));
    for message in changed.iter().chain(&frozen) {
        if known.contains(&message.number) {
            continue;
        }
        known.push(message.number);
        if message.content.is_some() {
            visit(&Seen::Decoded(message))?;
        }
    }
    if known.len() as u64 == run.count {
        return Ok(());
    }
    let wanted =
        |number: u64| (run.first..run.first + run.count).contains(&number) && !known.contains(&number);
    let block = message_block(run.first);
    let row = below
        .view
        .get(&key(Kind::MessageBlock, run.application, &[run.chat, block]))?;
    match row {
        Some(row) => each_of_row(&row, wanted, visit),
        None => each_single(below, run, wanted, visit),
    }
}

/// The messages that stand one by one, as those of a block that is not full do.
fn each_single(
    below: &Below,
    run: &Run,
    wanted: impl Fn(u64) -> bool,
    visit: Visit<'_>,
) -> Result<(), ViewError> {
    let last = (run.first + run.count - 1).min(block_first_number(message_block(run.first) + 1) - 1);
    let place = |number| key(Kind::Message, run.application, &[run.chat, number]);
    let mut each = |value: Slice| each_of_row(&value, &wanted, visit);
    if run.first == last {
        return below.view.get(&place(last))?.map_or(Ok(()), each);
    }
    for row in below.view.range(place(run.first)..=place(last)) {
        each(row?.1)?;
    }
    Ok(())
}

/// The messages of a row, one or many.
fn each_of_row(row: &[u8], wanted: impl Fn(u64) -> bool, visit: Visit<'_>) -> Result<(), ViewError> {
    let mut decoder = Decoder::new(row);
    while !decoder.is_empty() {
        let from = decoder.rest();
        let (number, body) = decoder.message_body()?;
        if let Some(body) = body.filter(|_| wanted(number)) {
            visit(&Seen::Encoded { body, from })?;
        }
    }
    Ok(())
}
