//! How far somebody has read: in one chat, and in all chats where something is unread.

use std::collections::BTreeMap;
use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, Chat, DeletedNode, DeletedPlace, Failure, MARKERS_LOOKED_AT_MAX, Marker,
    Page, ReadState, ReaderName, Rejection, Seen, unread,
};

use super::{DISAGREES, live, live_application};
use crate::encoding::Corrupt;
use crate::generation::{Generation, Map};
use crate::recent::{Below, Recent};
use crate::view::ViewError;

pub(super) fn reader(
    recent: &Recent,
    id: ApplicationId,
    chat: u64,
    reader: &ReaderName,
) -> Result<Seen<ReadState>, Failure> {
    recent.in_one_state(id, |rows| {
        let application = live_application(rows.application(id)?)?;
        let row = rows.chat(id, chat)?;
        let row = live(row.as_ref().ok_or(Rejection::ChatNotFound)?)?;
        let marker = rows.marker(id, chat, reader)?;
        let marker = marker.unwrap_or_else(|| Marker::absent(reader, chat));
        let unread = unread(row, marker.read, |place| rows.deleted(id, place))?.ok_or(DISAGREES)?;
        Ok(Seen {
            thing: marker.state(unread),
            cursor: application.cursor(),
        })
    })
}

pub(super) fn unread_chats(
    recent: &Recent,
    id: ApplicationId,
    reader: &ReaderName,
    (after, limit): (u64, u32),
) -> Result<Page<ReadState>, Failure> {
    let (overlay, below) = recent.look(|active| Overlay::of(active, id, reader, after));
    let application = match &overlay.application {
        Some(application) => Some(application.clone()),
        None => below.application(id, Application::clone)?,
    };
    let application = live_application(application)?;
    let markers = overlay.markers(&below, id, reader, after)?;
    let mut page = Page {
        items: Vec::new(),
        next: None,
        as_of: Some(application.cursor()),
    };
    let mut reached = after;
    for (looked_at, (chat, marker)) in markers.into_iter().enumerate() {
        if page.items.len() == limit as usize || looked_at == MARKERS_LOOKED_AT_MAX {
            page.next = Some(reached);
            break;
        }
        reached = chat;
        let row = match overlay.chats.get(&chat) {
            Some(row) => Some(row.clone()),
            None => below.chat(id, chat, Chat::clone)?,
        };
        let row = row.ok_or(ViewError::Row(Corrupt("the chat of a marker is missing")))?;
        if row.deleted_at.is_none() {
            let unread = unread(&row, marker.read, |place| overlay.deleted(&below, id, place))?;
            let unread = unread.ok_or(DISAGREES)?;
            page.items.extend((unread > 0).then(|| marker.state(unread)));
        }
    }
    Ok(page)
}

/// What the active generation knows of one application, taken under one look.
struct Overlay {
    application: Option<Application>,
    chats: Map<u64, Chat>,
    deleted: Map<DeletedPlace, Arc<DeletedNode>>,
    markers: BTreeMap<u64, Marker>,
}

impl Overlay {
    fn of(active: &Generation, id: ApplicationId, reader: &ReaderName, after: u64) -> Overlay {
        let of_application = active
            .chats
            .iter()
            .filter(|((application, _), _)| *application == id);
        let rows = of_application.filter_map(|((_, chat), rows)| Some((*chat, rows.chat.clone()?)));
        let nodes = active
            .deleted
            .iter()
            .filter(|((application, _), _)| *application == id);
        Overlay {
            application: active.applications.get(&id).cloned(),
            chats: rows.collect(),
            deleted: nodes
                .map(|((_, place), node)| (*place, Arc::clone(node)))
                .collect(),
            markers: active.markers_of(id, reader, after).collect(),
        }
    }

    fn deleted(
        &self,
        below: &Below,
        id: ApplicationId,
        place: DeletedPlace,
    ) -> Result<Option<Arc<DeletedNode>>, ViewError> {
        match self.deleted.get(&place) {
            Some(node) => Ok(Some(Arc::clone(node))),
            None => below.deleted(id, place),
        }
    }

    /// The reader's first markers above `after`, by chat: one more than a page looks at, or all.
    fn markers(
        &self,
        below: &Below,
        id: ApplicationId,
        reader: &ReaderName,
        after: u64,
    ) -> Result<BTreeMap<u64, Marker>, ViewError> {
        let mut markers = BTreeMap::new();
        for marker in below
            .view
            .markers_of(id, reader, after)
            .take(MARKERS_LOOKED_AT_MAX + 1)
        {
            let marker = marker?;
            markers.insert(marker.chat, marker);
        }
        if let Some(frozen) = below.frozen() {
            markers.extend(frozen.markers_of(id, reader, after));
        }
        markers.extend(self.markers.clone());
        Ok(markers)
    }
}
