//! Which facts a request needs to be decided: the application, then what lies in it.

use crate::{
    Action, ApplicationId, Change, Command, DeletedPlace, KeyName, NumberedList, ReaderName, Subject, Token,
    UpdateChat, UpdateMessage,
};

/// How a request names its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationNeed<'a> {
    /// By its public name.
    Token(&'a Token),
    /// By its number: restores and repairs.
    Id(ApplicationId),
}

/// One fact, besides its application, that a request needs to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// What a key is bound to.
    Key(&'a KeyName),
    /// A chat.
    Chat(u64),
    /// A message.
    Message {
        /// Its chat.
        chat: u64,
        /// Its number.
        number: u64,
    },
    /// How far somebody has read in a chat.
    Marker {
        /// The chat.
        chat: u64,
        /// Who.
        reader: &'a ReaderName,
    },
    /// How many numbers of a list were deleted below one node.
    Deleted(DeletedPlace),
}

impl NumberedList {
    /// Names what counting a number as deleted changes.
    pub(crate) fn each_need<E>(
        self,
        number: u64,
        visit: &mut impl FnMut(Need<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.places_of(number)
            .try_for_each(|place| visit(Need::Deleted(place)))
    }
}

impl Command {
    /// The application whose state it needs.
    #[must_use]
    pub fn application(&self) -> ApplicationNeed<'_> {
        match self {
            Command::CreateApplication(create) => ApplicationNeed::Token(create.token.token()),
            Command::UpdateApplication(update) => ApplicationNeed::Token(&update.token),
            Command::CreateChat(create) => ApplicationNeed::Token(&create.token),
            Command::UpdateChat(update) => ApplicationNeed::Token(&update.token),
            Command::UpdateMessage(update) => ApplicationNeed::Token(&update.token),
            Command::ImportChat(import) => ApplicationNeed::Token(&import.token),
            Command::DeleteApplication { token, .. }
            | Command::DeleteChat { token, .. }
            | Command::CreateMessage { token, .. }
            | Command::CreateMessages { token, .. }
            | Command::DeleteMessage { token, .. }
            | Command::SetRead { token, .. }
            | Command::ImportMessages { token, .. }
            | Command::BeginRestore { token, .. } => ApplicationNeed::Token(token),
            Command::RestoreEntries { application, .. }
            | Command::FinishRestore { application, .. }
            | Command::AbandonRestore { application }
            | Command::RenewEpoch { application, .. } => ApplicationNeed::Id(*application),
        }
    }

    /// A second application whose state it needs: the one that may hold the token of a finished restore.
    #[must_use]
    pub fn other_application(&self) -> Option<&Token> {
        match self {
            Command::FinishRestore { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Names each further fact that it needs, save the request's own key ([`Request::key_name`]).
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn each_need<E>(&self, mut visit: impl FnMut(Need<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Command::UpdateChat(UpdateChat { chat, .. })
            | Command::CreateMessage { chat, .. }
            | Command::CreateMessages { chat, .. } => visit(Need::Chat(*chat)),
            Command::DeleteChat { chat, .. } => {
                visit(Need::Chat(*chat))?;
                NumberedList::Chats.each_need(*chat, &mut visit)
            }
            Command::UpdateMessage(UpdateMessage { chat, number, .. }) => {
                visit(Need::Chat(*chat))?;
                visit(Need::Message {
                    chat: *chat,
                    number: *number,
                })
            }
            Command::DeleteMessage { chat, number, .. } => {
                visit(Need::Chat(*chat))?;
                visit(Need::Message {
                    chat: *chat,
                    number: *number,
                })?;
                NumberedList::Messages { chat: *chat }.each_need(*number, &mut visit)
            }
            Command::SetRead { chat, reader, .. } => {
                visit(Need::Chat(*chat))?;
                visit(Need::Marker { chat: *chat, reader })
            }
            Command::ImportMessages { chat, lines, .. } => {
                visit(Need::Chat(*chat))?;
                lines.iter().try_for_each(|line| visit(Need::Key(&line.key.name)))
            }
            Command::RestoreEntries { entries, .. } => entries
                .iter()
                .try_for_each(|entry| entry.change.each_need(&mut visit)),
            _ => Ok(()),
        }
    }
}

impl Change {
    /// Names the facts that restoring or replaying this change needs.
    pub(crate) fn each_need<E>(&self, visit: &mut impl FnMut(Need<'_>) -> Result<(), E>) -> Result<(), E> {
        if let Some(binding) = &self.key {
            visit(Need::Key(&binding.name))?;
        }
        match &self.subject {
            Subject::Application => Ok(()),
            &Subject::Chat { chat } => {
                visit(Need::Chat(chat))?;
                if self.action == Action::Deleted {
                    NumberedList::Chats.each_need(chat, visit)?;
                }
                Ok(())
            }
            Subject::Reader { chat, reader } => {
                visit(Need::Chat(*chat))?;
                visit(Need::Marker { chat: *chat, reader })
            }
            &Subject::Message { chat, number } => {
                visit(Need::Chat(chat))?;
                if self.action != Action::Created {
                    visit(Need::Message { chat, number })?;
                }
                if self.action == Action::Deleted {
                    NumberedList::Messages { chat }.each_need(number, visit)?;
                }
                Ok(())
            }
        }
    }
}
