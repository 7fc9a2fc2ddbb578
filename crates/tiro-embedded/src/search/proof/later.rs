//! What was written after the index's last commit, and so need not be in it.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use tiro_core::{ApplicationId, Event};

use super::super::rows::{Gone, Rows};
use crate::encoding::{Corrupt, events};

/// Most edits that are kept in mind; an index that is further behind is not held against the log.
const EDITED_MAX: usize = 1_000_000;

#[derive(Default)]
pub(super) struct Later {
    /// Of each chat that got messages, the number of the first.
    created_from: HashMap<(ApplicationId, u64), u64, RandomState>,
    /// Messages that were edited or restored.
    edited: HashSet<(ApplicationId, u64, u64), RandomState>,
    gone: HashSet<(ApplicationId, Option<u64>), RandomState>,
    is_too_much: bool,
}

impl Later {
    pub(super) fn batch(&mut self, payload: &[u8]) {
        let absorbed = events::decode_all::<Corrupt>(payload, |event| {
            self.event(&event);
            Ok(())
        });
        // A batch that does not decode is found where it is applied to the view.
        let kept = self.edited.len() + self.created_from.len() + self.gone.len();
        if absorbed.is_err() || kept > EDITED_MAX {
            *self = Later {
                is_too_much: true,
                ..Later::default()
            };
        }
    }

    fn event(&mut self, event: &Event) {
        if self.is_too_much {
            return;
        }
        let application = event.application();
        if let Event::MessagesCreated {
            chat, first_number, ..
        } = event
        {
            self.created_from
                .entry((application, *chat))
                .or_insert(*first_number);
            return;
        }
        let mut rows = Rows::default();
        rows.absorb(event);
        let written = rows.written.iter();
        self.edited
            .extend(written.map(|row| (row.application, row.chat, row.number)));
        let gone = rows.gone.iter();
        self.gone
            .extend(gone.map(|Gone { application, chat }| (*application, *chat)));
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.is_too_much
    }

    /// Whether a message got the body that it has now after the last commit.
    pub(super) fn has(&self, application: ApplicationId, chat: u64, number: u64) -> bool {
        let from = self.created_from.get(&(application, chat));
        from.is_some_and(|from| number >= *from) || self.edited.contains(&(application, chat, number))
    }

    /// Whether the documents of a chat are still to be taken away.
    pub(super) fn is_gone(&self, application: ApplicationId, chat: u64) -> bool {
        self.gone.contains(&(application, None)) || self.gone.contains(&(application, Some(chat)))
    }
}
