//! Each live message of each live chat: some document stands for it.
//!
//! The documents of a chat are ticked off in a map of bits, for so many of its numbers at a time; only blocks with a
//! number that was not ticked are read.

use tantivy::query::{EnableScoring, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tiro_core::{Application, ApplicationId};

use super::{Due, Listener, Logged, ProofError, place_of};
use crate::search::committed::{Committed, Run};
use crate::view::keys::message_block;

/// Numbers of a chat that are ticked off together.
const NUMBERS_TOGETHER: u64 = 1 << 20;

pub(super) fn prove(
    committed: &Committed,
    log: &Logged<'_>,
    listener: &mut Listener<'_>,
) -> Result<(), ProofError> {
    for application in log.state.applications() {
        let application: Application = application?;
        if !log.is_proven(&application) {
            continue;
        }
        for number in 1..=application.last_chat_number {
            if let Due::Indexed(chat) = log.due(application.id, number)? {
                for from in (1..=chat.last_message_number).step_by(NUMBERS_TOGETHER as usize) {
                    let last = chat.last_message_number.min(from + NUMBERS_TOGETHER - 1);
                    let ticked = ticked(committed, application.id, number, from..=last)?;
                    missing(log, (application.id, number), from, &ticked, listener)?;
                }
            }
        }
    }
    Ok(())
}

/// Which of some numbers of a chat a document stands for.
fn ticked(
    committed: &Committed,
    application: ApplicationId,
    chat: u64,
    numbers: std::ops::RangeInclusive<u64>,
) -> Result<Vec<bool>, ProofError> {
    let (from, last) = numbers.into_inner();
    let mut ticked = vec![false; (last - from + 1) as usize];
    let query = TermQuery::new(
        committed.fields.in_chat(application, chat),
        IndexRecordOption::Basic,
    );
    let weight = query.weight(EnableScoring::disabled_from_searcher(&committed.searcher))?;
    for (reader, columns) in committed.segments() {
        weight.for_each_no_score(reader, &mut |docs| {
            // It hands over deleted documents too.
            for doc in docs.iter().filter(|doc| !reader.is_deleted(**doc)) {
                let run = columns.run(*doc);
                let is_of_chat = (run.application, run.chat) == (application, chat);
                let end = run.first.saturating_add(run.count).min(last + 1);
                for number in run.first.max(from)..end {
                    ticked[(number - from) as usize] |= is_of_chat;
                }
            }
        })?;
    }
    Ok(ticked)
}

/// Reports the live messages that are not ticked, those of a block together.
fn missing(
    log: &Logged<'_>,
    (application, chat): (ApplicationId, u64),
    from: u64,
    ticked: &[bool],
    listener: &mut Listener<'_>,
) -> Result<(), ProofError> {
    let numbers = (from..).zip(ticked).filter(|(_, is_ticked)| !**is_ticked);
    let mut numbers: Vec<u64> = numbers.map(|(number, _)| number).collect();
    numbers.retain(|number| !log.later.has(application, chat, *number));
    for block in numbers.chunk_by(|one, next| message_block(*one) == message_block(*next)) {
        let messages = log
            .state
            .messages_in_block(application, chat, message_block(block[0]))?;
        let mut lost = messages
            .iter()
            .filter(|message| message.content.is_some() && block.contains(&message.number));
        let Some(first) = lost.next() else { continue };
        let run = Run {
            application,
            chat,
            first: first.number,
            count: 1,
        };
        let problem = match lost.count() {
            0 => "no document stands for it, so no search finds it".to_owned(),
            others => format!("no document stands for it and {others} others up to the end of its block"),
        };
        (listener.on_finding)(place_of(&run), problem);
    }
    Ok(())
}
