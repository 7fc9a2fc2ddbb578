//! Exports: from a copy of the state, made when the export was asked for.

use std::collections::VecDeque;

use tiro_core::{
    Application, Change, Entry, Export, Exported, FactSource, Failure, Pending, Rejection, Stage, Token,
};

use super::state::State;

/// Entries of one piece; small, so that callers meet more than one piece.
const PIECE_ENTRIES_MAX: usize = 100;

struct Copied {
    pieces: VecDeque<Exported>,
}

impl Export for Copied {
    fn next(&mut self) -> Pending<'_, Option<Exported>> {
        Box::pin(std::future::ready(Ok(self.pieces.pop_front())))
    }
}

/// One application, or all that are visible, by creation time and token.
pub(super) fn of(state: &State, token: Option<&Token>) -> Result<Box<dyn Export>, Failure> {
    let mut applications: Vec<&Application> = match token {
        Some(token) => vec![exportable(state, token)?],
        None => state
            .applications
            .values()
            .filter(|row| row.stage == Stage::Ready)
            .collect(),
    };
    applications.sort_by_key(|row| (row.created_at, row.token.clone()));
    let mut pieces = VecDeque::new();
    for application in applications {
        pieces.push_back(Exported::Application(application.clone()));
        let entries = entries(state, application);
        pieces.extend(
            entries
                .chunks(PIECE_ENTRIES_MAX)
                .map(|piece| Exported::Entries(piece.to_vec())),
        );
    }
    Ok(Box::new(Copied { pieces }))
}

fn exportable<'a>(state: &'a State, token: &Token) -> Result<&'a Application, Rejection> {
    let Ok(found) = state.application_by_token(token);
    let application = found.ok_or(Rejection::ApplicationNotFound)?;
    if application.deleted_at.is_some() {
        return Err(Rejection::ApplicationDeleted);
    }
    Ok(&state.applications[&application.id])
}

/// The feed with what its things are now; of a deleted application only the end, without its key: all its keys went
/// with it.
fn entries(state: &State, application: &Application) -> Vec<Entry> {
    let id = application.id;
    let deleted = application.deleted_at.is_some();
    let first = if deleted { application.last_position } else { 1 };
    let changes = state.changes.range((id, first)..=(id, u64::MAX));
    changes
        .map(|(_, change)| Entry {
            change: Change {
                key: change.key.clone().filter(|_| !deleted),
                ..change.clone()
            },
            thing: state.present(application, change),
        })
        .collect()
}
