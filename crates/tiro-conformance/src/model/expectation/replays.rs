//! What a request under a known key is expected to be answered.

use tiro_core::Rejection;

use super::writes::Expected;
use super::{Accepted, Bound, ExpectedApplication};
use crate::model::shown::Shown;
use crate::model::wish::Wish;

impl Bound {
    pub(super) fn belongs_to(&self, wish: &Wish) -> bool {
        // A source finds its chat again whatever title it has in mind now.
        let both_find_chats = matches!(
            (&self.wish, wish),
            (Wish::ImportChat { .. }, Wish::ImportChat { .. })
        );
        both_find_chats || self.wish == *wish
    }

    pub(super) fn replay_of_create(&self, wish: &Wish) -> Expected {
        if self.belongs_to(wish) {
            Ok(Accepted {
                replayed: true,
                ..self.first.clone()
            })
        } else {
            Err(Rejection::KeyReused)
        }
    }
}

impl ExpectedApplication {
    pub(super) fn replay(&self, bound: &Bound, wish: &Wish) -> Expected {
        let first = bound.replay_of_create(wish)?;
        let shown = match wish {
            Wish::UpdateApplication { .. } => Shown::Application(self.shown()),
            Wish::UpdateChat { chat, .. } => Shown::Chat(self.chat(*chat)?.shown()),
            Wish::UpdateMessage { chat, number, .. } => {
                let chat = self.chat(*chat)?;
                if chat.deleted {
                    Shown::MessageOfDeletedChat { number: *number }
                } else {
                    Shown::Message(chat.message(*number)?.shown())
                }
            }
            Wish::ImportChat { .. } => {
                let Shown::ImportedChat { chat, .. } = first.shown else {
                    panic!("an import's key is bound to a chat")
                };
                self.live_chat(chat)?;
                Shown::ImportedChat { chat, created: false }
            }
            _ => first.shown,
        };
        Ok(Accepted { shown, ..first })
    }
}
