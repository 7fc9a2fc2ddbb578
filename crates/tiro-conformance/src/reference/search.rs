//! How the reference engine searches: every message it has, matched, sorted, cut into a page.

use tiro_core::{
    ApplicationId, Failure, Found, Hit, Message, PAGE_BYTES_MAX, SearchRequest, SearchScope, Stage,
};

use super::state::State;

impl State {
    /// Newest creation first. Nothing is ever behind here, so every acknowledged message is searched.
    pub(super) fn search(&self, request: &SearchRequest) -> Result<Found, Failure> {
        let searched = match &request.scope {
            SearchScope::Chat { token, number } => Some(self.live_chat(token, *number)?.0),
            SearchScope::Application(token) => Some(self.live_application(token)?),
            SearchScope::Everything => None,
        };
        let mut hits: Vec<Hit> = self
            .messages
            .iter()
            .filter_map(|((application, chat, _), message)| self.hit(request, *application, *chat, message))
            .collect();
        hits.sort_by(|one, other| request.scope.order(&one.place(), &other.place()));
        let fitting = fitting(&hits, request.limit as usize);
        let last = fitting.checked_sub(1).filter(|_| fitting < hits.len());
        let next = last.map(|last| request.scope.after(hits[last].place()));
        hits.truncate(fitting);
        Ok(Found {
            hits,
            next,
            searched_through: searched.map(|application| application.cursor()),
        })
    }

    /// The message as a hit, if it is in the scope, is to come after the last page, is live and matches.
    fn hit(
        &self,
        request: &SearchRequest,
        application: ApplicationId,
        chat: u64,
        message: &Message,
    ) -> Option<Hit> {
        let of = &self.applications[&application];
        let in_scope = match &request.scope {
            SearchScope::Chat { token, number } => of.token == *token && chat == *number,
            SearchScope::Application(token) => of.token == *token,
            SearchScope::Everything => true,
        };
        let visible = of.stage == Stage::Ready
            && of.deleted_at.is_none()
            && self.chats[&(application, chat)].deleted_at.is_none();
        if !in_scope || !visible {
            return None;
        }
        let hit = Hit {
            application: of.token.clone(),
            chat,
            message: message.clone(),
            highlights: request.query.matches(&message.content.as_ref()?.body)?,
        };
        let to_come = request
            .after
            .as_ref()
            .is_none_or(|after| after.precedes(&hit.place()));
        to_come.then_some(hit)
    }
}

/// How many hits a page holds: at most `limit`, and it ends once its texts have [`PAGE_BYTES_MAX`].
fn fitting(hits: &[Hit], limit: usize) -> usize {
    let mut bytes = 0;
    let full = hits.iter().position(|hit| {
        bytes += hit.message.bytes();
        bytes >= PAGE_BYTES_MAX
    });
    full.map_or(hits.len(), |last| last + 1).min(limit)
}

#[cfg(test)]
mod tests;
