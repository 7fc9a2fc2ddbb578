//! Where a search looks: resolved, with the same refusals as any other read.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tiro_core::{
    Application, ApplicationId, Cursor, FactSource, Failure, Rejection, SearchScope, Stage, Token,
};

use crate::reads::live_application;
use crate::recent::Recent;
use crate::view::ViewError;

/// A scope by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Chat { id: ApplicationId, chat: u64 },
    Application(ApplicationId),
    Everything,
}

impl Scope {
    /// Whether a chat lies in it.
    pub(super) fn has(self, application: ApplicationId, in_chat: u64) -> bool {
        match self {
            Scope::Chat { id, chat } => (id, chat) == (application, in_chat),
            Scope::Application(id) => id == application,
            Scope::Everything => true,
        }
    }
}

/// The scope, and the application that it lies in as it is now.
pub(super) fn resolve(recent: &Recent, scope: &SearchScope) -> Result<(Scope, Option<Application>), Failure> {
    let (token, in_chat) = match scope {
        SearchScope::Everything => return Ok((Scope::Everything, None)),
        SearchScope::Application(token) => (token, None),
        SearchScope::Chat { token, number } => (token, Some(*number)),
    };
    let id = recent
        .application_id(token)?
        .ok_or(Rejection::ApplicationNotFound)?;
    let application = live_application(FactSource::application(recent, id)?)?;
    let Some(chat) = in_chat else {
        return Ok((Scope::Application(id), Some(application)));
    };
    let row = FactSource::chat(recent, id, chat)?.ok_or(Rejection::ChatNotFound)?;
    match row.deleted_at {
        None => Ok((Scope::Chat { id, chat }, Some(application))),
        Some(_) => Err(Rejection::ChatDeleted.into()),
    }
}

/// The end of the application's feed, if the scope lies in one.
pub(super) fn cursor_of(application: Option<&Application>) -> Option<Cursor> {
    application.map(Application::cursor)
}

/// Tokens of applications that can be seen and chats that are live, looked up once in a search.
pub(super) struct Tokens {
    recent: Arc<Recent>,
    tokens: HashMap<ApplicationId, Option<Token>, RandomState>,
    live: HashMap<(ApplicationId, u64), bool, RandomState>,
}

impl Tokens {
    pub(super) fn new(recent: Arc<Recent>) -> Tokens {
        Tokens {
            recent,
            tokens: HashMap::default(),
            live: HashMap::default(),
        }
    }

    /// `None` if nobody may see the application.
    pub(super) fn of(&mut self, id: ApplicationId) -> Result<Option<Token>, ViewError> {
        if let Some(token) = self.tokens.get(&id) {
            return Ok(token.clone());
        }
        let application = FactSource::application(&*self.recent, id)?;
        let visible = application
            .filter(|application| application.stage == Stage::Ready && application.deleted_at.is_none());
        let token = visible.map(|application| application.token);
        self.tokens.insert(id, token.clone());
        Ok(token)
    }

    pub(super) fn is_live(&mut self, id: ApplicationId, chat: u64) -> Result<bool, ViewError> {
        if let Some(is_live) = self.live.get(&(id, chat)) {
            return Ok(*is_live);
        }
        let row = FactSource::chat(&*self.recent, id, chat)?;
        let is_live = row.is_some_and(|row| row.deleted_at.is_none());
        self.live.insert((id, chat), is_live);
        Ok(is_live)
    }
}
