//! Applications: create, update, delete, and a new epoch.

use super::{Decision, check_version, replay};
use crate::{
    Application, ApplicationId, CreateApplication, Epoch, Event, Facts, IfMatch, Metadata, MetadataChange,
    Outcome, Rejection, Request, Stage, Timestamp, UpdateApplication,
};

pub(super) fn create(
    facts: &Facts,
    request: &Request,
    create: &CreateApplication,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    if let Some(decision) = replay::of_application(facts, request, create)? {
        return Ok(decision);
    }
    let token = create.token.token();
    if facts.application_by_token(token).is_some() {
        return Err(Rejection::TokenTaken);
    }
    let application = Application {
        id: facts.next_application(),
        token: token.clone(),
        epoch: create.epoch.clone(),
        stage: Stage::Ready,
        name: Some(create.name.clone()),
        metadata: create.metadata.clone(),
        chats_count: 0,
        last_chat_number: 0,
        last_position: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        version: 1,
    };
    let event = Event::ApplicationCreated {
        application: application.clone(),
        key: request.binding(None),
    };
    Ok(Decision::one(
        &application,
        1,
        event,
        Outcome::Application(application.clone()),
    ))
}

pub(super) fn update(
    application: &Application,
    request: &Request,
    update: &UpdateApplication,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    check_version(&update.if_match, application.version)?;
    let position = application.last_position + 1;
    let mut changed = application.clone();
    if let Some(name) = &update.name {
        changed.name = Some(name.clone());
    }
    changed.metadata = merged(application.metadata.as_ref(), &update.metadata)?;
    changed.version += 1;
    changed.updated_at = now;
    changed.last_position = position;
    let event = Event::ApplicationUpdated {
        application: changed.id,
        position,
        at: now,
        version: changed.version,
        name: changed.name.clone().expect("a live application has a name"),
        metadata: changed.metadata.clone(),
        key: request.binding(None),
    };
    Ok(Decision::one(
        application,
        position,
        event,
        Outcome::Application(changed),
    ))
}

pub(super) fn delete(
    application: &Application,
    request: &Request,
    if_match: &IfMatch,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    check_version(if_match, application.version)?;
    let position = application.last_position + 1;
    let event = Event::ApplicationDeleted {
        application: application.id,
        position,
        at: now,
        version: application.version + 1,
        key: request.binding(None),
    };
    Ok(Decision::one(application, position, event, Outcome::Deleted))
}

/// A repeated delete: nothing happens, no entry is made, no key is bound.
pub(super) fn deleted_before() -> Decision {
    Decision::step(Vec::new(), Outcome::Deleted)
}

pub(super) fn renew_epoch(facts: &Facts, id: ApplicationId, epoch: &Epoch) -> Result<Decision, Rejection> {
    facts.application(id).ok_or(Rejection::ApplicationNotFound)?;
    let event = Event::EpochRenewed {
        application: id,
        epoch: epoch.clone(),
    };
    Ok(Decision::step(vec![event], Outcome::Done))
}

/// Metadata after a change.
pub(super) fn merged(
    present: Option<&Metadata>,
    change: &MetadataChange,
) -> Result<Option<Metadata>, Rejection> {
    match change {
        MetadataChange::Keep => Ok(present.cloned()),
        MetadataChange::Clear => Ok(None),
        MetadataChange::Merge { patch, limits } => {
            let empty = Metadata::empty();
            let target = present.unwrap_or(&empty);
            Rejection::metadata(target.merged(patch, limits)).map(Some)
        }
    }
}
