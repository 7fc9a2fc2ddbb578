//! Which application a token names and which partition an application is in: neither ever changes, so both are remembered.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::RwLock;
use tiro_core::{ApplicationId, Token};

/// Most tokens, and most numbers, that are remembered.
const ROUTES_MAX: usize = 100_000;

/// What is remembered. At the bound all of it is forgotten and learnt anew.
#[derive(Default)]
pub(crate) struct Routes {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    tokens: HashMap<Token, ApplicationId, RandomState>,
    partitions: HashMap<ApplicationId, u16, RandomState>,
}

impl Routes {
    pub(crate) fn of_token(&self, token: &Token) -> Option<(ApplicationId, u16)> {
        let known = self.known.read();
        let id = *known.tokens.get(token)?;
        Some((id, *known.partitions.get(&id)?))
    }

    pub(crate) fn of_application(&self, id: ApplicationId) -> Option<u16> {
        self.known.read().partitions.get(&id).copied()
    }

    /// A token is bound, or, without one, an application is being restored.
    pub(crate) fn learn(&self, token: Option<&Token>, id: ApplicationId, partition: u16) {
        // Every read comes here: what is known takes no lock that others wait for.
        if token.is_some_and(|token| self.of_token(token).is_some()) {
            return;
        }
        let mut known = self.known.write();
        if known.partitions.len() >= ROUTES_MAX {
            *known = Known::default();
        }
        known.partitions.insert(id, partition);
        if let Some(token) = token {
            known.tokens.insert(token.clone(), id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let routes = Routes::default();
        let token = Token::generated([7; 16]);
        routes.learn(Some(&token), ApplicationId(1), 3);
        assert_eq!(routes.of_token(&token), Some((ApplicationId(1), 3)));
        (2..=ROUTES_MAX as u32 + 1).for_each(|id| routes.learn(None, ApplicationId(id), 1));
        assert_eq!(routes.of_token(&token), None);
        assert!(routes.known.read().partitions.len() <= ROUTES_MAX);
    }
}
