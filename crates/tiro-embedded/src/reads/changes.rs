//! Pages of a feed.

use tiro_core::{
    Application, CHANGES_LOOKED_AT_MAX, Change, Changes, ChangesRequest, Entry, Failure, Rejection, Token,
};

use crate::feed::{self, PIECE_ENTRIES_MAX};
use crate::recent::{Recent, Rows};

/// Whether everything that a page may show is in memory, so that reading it waits for nothing.
pub(super) fn is_in_memory(recent: &Recent, request: &ChangesRequest) -> Result<bool, Failure> {
    let Some(id) = recent.application_id(&request.token)? else {
        return Ok(true);
    };
    let after = request.after.as_ref().map_or(0, |after| after.position);
    let (held, below) = recent.look(|active| active.first_position(id));
    let frozen = below.frozen().and_then(|frozen| frozen.first_position(id));
    let held = frozen.or(held);
    match held {
        Some(first) => Ok(after.saturating_add(1) >= first),
        None => Ok(below
            .application(id, |row| row.last_position <= after)?
            .unwrap_or(true)),
    }
}

pub(super) fn page(recent: &Recent, request: &ChangesRequest) -> Result<Changes, Failure> {
    let application = application(recent, &request.token)?;
    if application.deleted_at.is_some() {
        return Ok(Changes::of_deleted(&application, request)?);
    }
    match live_page(recent, &application, request) {
        // Deleted since: what it says now is another answer.
        Err(Failure::Rejected(Rejection::ApplicationDeleted)) => {
            let application = self::application(recent, &request.token)?;
            Ok(Changes::of_deleted(&application, request)?)
        }
        answer => answer,
    }
}

fn application(recent: &Recent, token: &Token) -> Result<Application, Failure> {
    let id = recent.application_id(token)?;
    let id = id.ok_or(Rejection::ApplicationNotFound)?;
    let application = Rows::Newest(recent).application(id)?;
    Ok(application.ok_or(Rejection::ApplicationNotFound)?)
}

fn live_page(
    recent: &Recent,
    application: &Application,
    request: &ChangesRequest,
) -> Result<Changes, Failure> {
    let after = application.position_after(request.after.as_ref())?;
    let (changes, looked_at) = wanted(recent, application, (after, request))?;
    let found = changes.len();
    let entries = match found {
        0 => Vec::new(),
        _ => feed::entries(Rows::Newest(recent), application.id, changes)?,
    };
    // What did not fit was not looked at.
    let last = entries.last().map_or(after, |last: &Entry| last.change.position);
    let next = if entries.len() < found { last } else { looked_at };
    Ok(Changes {
        entries,
        next: application.cursor_at(next),
        has_more: next < application.last_position,
        as_of: application.cursor(),
    })
}

/// The changes of a page, and the last position that was looked at for them.
fn wanted(
    recent: &Recent,
    application: &Application,
    (after, request): (u64, &ChangesRequest),
) -> Result<(Vec<Change>, u64), Failure> {
    let limit = request.limit as usize;
    let open = request.filter.is_open();
    let most = if open {
        u64::from(request.limit)
    } else {
        CHANGES_LOOKED_AT_MAX
    };
    let end = application.last_position.min(after.saturating_add(most));
    let mut found = Vec::new();
    let mut reached = after;
    while reached < end && found.len() < limit {
        let last = end.min(reached + PIECE_ENTRIES_MAX as u64);
        let piece = feed::changes(Rows::Newest(recent), application.id, (reached + 1, last))?;
        for change in piece {
            if found.len() == limit {
                break;
            }
            reached = change.position;
            if request.filter.admits(&change) {
                found.push(change);
            }
        }
    }
    Ok((found, reached))
}
