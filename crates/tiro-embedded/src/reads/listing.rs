//! Lists of chats and applications: rows in memory merged with rows of the view.

use std::collections::{BTreeMap, HashSet};

use tiro_core::{Application, ApplicationId, ApplicationsAfter, Chat, Failure, NumberRange, Page, Stage};

use super::live_application;
use crate::encoding::{Corrupt, Decoder};
use crate::generation::Generation;
use crate::recent::{Below, Recent};
use crate::view::ViewError;
use crate::view::keys::{self, Kind, key};
use crate::view::rows::{decode_number, decoded};

pub(super) fn chats(recent: &Recent, id: ApplicationId, range: NumberRange) -> Result<Page<Chat>, Failure> {
    let ((application, mut found), below) = recent.look(|active| {
        let application = active.applications.get(&id).cloned();
        let mut found = BTreeMap::new();
        if let Some(application) = &application {
            collect(
                active,
                id,
                range.numbers(application.last_chat_number).walk(),
                &mut found,
            );
        }
        (application, found)
    });
    let application = match application {
        Some(application) => Some(application),
        None => below.application(id, Application::clone)?,
    };
    let application = live_application(application)?;
    let numbers = range.numbers(application.last_chat_number);
    if let Some(frozen) = below.frozen() {
        collect(frozen, id, numbers.walk(), &mut found);
    }
    let missing: Vec<u64> = numbers
        .walk()
        .filter(|number| !found.contains_key(number))
        .collect();
    if let (Some(first), Some(last)) = (missing.iter().min(), missing.iter().max()) {
        for row in below
            .view
            .range(key(Kind::Chat, id, &[*first])..=key(Kind::Chat, id, &[*last]))
        {
            let chat = decoded(&row?.1, Decoder::chat_row).map_err(ViewError::from)?;
            found.entry(chat.number).or_insert(chat);
        }
    }
    if found.len() != numbers.walk().count() {
        return Err(ViewError::Row(Corrupt("a chat is missing")).into());
    }
    let reached = numbers.walk().last();
    let next = reached.and_then(|reached| numbers.next(reached));
    Ok(Page {
        items: found.into_values().collect(),
        next,
        as_of: Some(application.cursor()),
    })
}

fn collect(
    generation: &Generation,
    id: ApplicationId,
    numbers: impl Iterator<Item = u64>,
    found: &mut BTreeMap<u64, Chat>,
) {
    for number in numbers {
        if let Some(chat) = generation.chat(id, number) {
            found.entry(number).or_insert_with(|| chat.clone());
        }
    }
}

pub(super) fn chats_by_activity(
    recent: &Recent,
    id: ApplicationId,
    before: Option<u64>,
    limit: u32,
) -> Result<Page<Chat>, Failure> {
    let wanted = limit as usize + 1;
    let before = before.unwrap_or(u64::MAX);
    let ((application, mut newest), below) = recent.look(|active| {
        let mut newest = Newest::default();
        newest.collect(active, id, before, wanted);
        (active.applications.get(&id).cloned(), newest)
    });
    let application = match application {
        Some(application) => Some(application),
        None => below.application(id, Application::clone)?,
    };
    let application = live_application(application)?;
    if let Some(frozen) = below.frozen() {
        newest.collect(frozen, id, before, wanted);
    }
    newest.complete(&below, id, before, wanted)?;
    let more = newest.chats.len() > limit as usize;
    let items: Vec<Chat> = newest.chats.into_values().rev().take(limit as usize).collect();
    let next = items.last().filter(|_| more).map(|chat| chat.activity_position);
    Ok(Page {
        items,
        next,
        as_of: Some(application.cursor()),
    })
}

/// The live chats of latest activity, by activity; and those whose rows in the view are outdated.
#[derive(Default)]
struct Newest {
    chats: BTreeMap<u64, Chat>,
    changed: HashSet<u64>,
}

impl Newest {
    fn collect(&mut self, generation: &Generation, id: ApplicationId, before: u64, wanted: usize) {
        let rows = generation
            .chats
            .iter()
            .filter(|((application, _), _)| *application == id);
        for chat in rows.filter_map(|(_, rows)| rows.chat.as_ref()) {
            if self.changed.insert(chat.number) {
                self.offer(before, wanted, chat.activity_position, || {
                    (chat.deleted_at.is_none()).then(|| chat.clone())
                });
            }
        }
    }

    /// Keeps a chat if it is among the newest.
    fn offer(&mut self, before: u64, wanted: usize, activity: u64, chat: impl FnOnce() -> Option<Chat>) {
        let full = self.chats.len() >= wanted;
        let oldest = self.chats.first_key_value().map_or(0, |(oldest, _)| *oldest);
        if activity >= before || (full && activity < oldest) {
            return;
        }
        let Some(chat) = chat() else { return };
        self.chats.insert(activity, chat);
        if self.chats.len() > wanted {
            self.chats.pop_first();
        }
    }

    fn complete(
        &mut self,
        below: &Below,
        id: ApplicationId,
        before: u64,
        wanted: usize,
    ) -> Result<(), ViewError> {
        let Some(latest) = before.checked_sub(1) else {
            return Ok(());
        };
        let newest = keys::by_activity(id, latest);
        let oldest = keys::by_activity(id, 0);
        for row in below.view.range(newest..=oldest) {
            let (place, value) = row?;
            let activity = keys::last_number(&place).map_or(0, |inverted| !inverted);
            let full = self.chats.len() >= wanted;
            if full
                && self
                    .chats
                    .first_key_value()
                    .is_some_and(|(oldest, _)| activity < *oldest)
            {
                return Ok(());
            }
            let number = decode_number(&value)?;
            if self.changed.contains(&number) {
                continue;
            }
            let chat = below
                .view
                .chat(id, number)?
                .ok_or(Corrupt("a chat by activity is missing"))?;
            self.offer(before, wanted, activity, || Some(chat));
        }
        Ok(())
    }
}

pub(super) fn applications(
    recent: &Recent,
    after: Option<&ApplicationsAfter>,
    limit: u32,
) -> Result<Page<Application, ApplicationsAfter>, Failure> {
    let wanted = limit as usize + 1;
    let mut changed = HashSet::new();
    let mut found = BTreeMap::new();
    let ((), below) = recent.look(|active| collect_applications(active, after, &mut changed, &mut found));
    if let Some(frozen) = below.frozen() {
        collect_applications(frozen, after, &mut changed, &mut found);
    }
    let first = after.map_or(vec![Kind::ApplicationByTime as u8], |after| {
        // The keys after this one: no key is this one and a zero byte.
        [keys::by_time(after), vec![0]].concat()
    });
    let mut from_view = 0;
    for row in below.view.range(first..=vec![Kind::ApplicationByTime as u8 + 1]) {
        let (place, value) = row?;
        if from_view >= wanted {
            break;
        }
        let id = decoded(&value, Decoder::application_id).map_err(ViewError::from)?;
        if changed.contains(&id) {
            continue;
        }
        let place =
            keys::time_and_token(&place).ok_or(ViewError::Row(Corrupt("a key of an application by time")))?;
        let missing = ViewError::Row(Corrupt("an application by time is missing"));
        found.insert(place, below.view.application(id)?.ok_or(missing)?);
        from_view += 1;
    }
    let more = found.len() > limit as usize;
    let items: Vec<(ApplicationsAfter, Application)> = found.into_iter().take(limit as usize).collect();
    let next = items.last().filter(|_| more).map(|(place, _)| place.clone());
    Ok(Page {
        items: items.into_iter().map(|(_, application)| application).collect(),
        next,
        as_of: None,
    })
}

fn collect_applications(
    generation: &Generation,
    after: Option<&ApplicationsAfter>,
    changed: &mut HashSet<ApplicationId>,
    found: &mut BTreeMap<ApplicationsAfter, Application>,
) {
    for application in generation.applications.values() {
        if !changed.insert(application.id)
            || application.deleted_at.is_some()
            || application.stage != Stage::Ready
        {
            continue;
        }
        let place = ApplicationsAfter {
            created_at: application.created_at,
            token: application.token.clone(),
        };
        if after.is_none_or(|after| place > *after) {
            found.insert(place, application.clone());
        }
    }
}
