//! Plain lines: what others have, `{chat, sender?, at?, body, metadata?}`.

use tiro_core::{Body, Limits, MessageContent, Metadata, Sender, Timestamp, Title};

use super::{LineFault, fault};

/// One message that somebody else stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transfer) struct PlainLine {
    /// What the source calls the chat; its title when it is made.
    pub(in crate::transfer) chat: Title,
    /// What was said.
    pub(in crate::transfer) content: MessageContent,
    /// When, if the line tells.
    pub(in crate::transfer) at: Option<Timestamp>,
}

impl PlainLine {
    /// Reads a line.
    ///
    /// # Errors
    /// Not JSON, an unknown or missing member, or a value that is not allowed.
    pub(in crate::transfer) fn parse(line: &[u8], limits: &Limits) -> Result<PlainLine, LineFault> {
        let wire: tiro_api::PlainLine<'_> = fault::decoded(line)?;
        let chat = wire.chat.ok_or(LineFault::Missing("chat"))?;
        let body = wire.body.ok_or(LineFault::Missing("body"))?;
        let sender = wire.sender.map(|sender| Sender::new(&sender, limits));
        let metadata = wire.metadata.map(|raw| Metadata::parse(raw.get(), limits));
        let at = wire
            .at
            .map(|at| at.parse().map_err(|_| LineFault::NotATime("at")));
        Ok(PlainLine {
            chat: Title::new(&chat, limits).map_err(fault::of("chat"))?,
            content: MessageContent {
                body: Body::new(&body, limits).map_err(fault::of("body"))?,
                sender: sender.transpose().map_err(fault::of("sender"))?,
                metadata: metadata.transpose().map_err(fault::of("metadata"))?,
            },
            at: at
                .transpose()?
                .map(|at: tiro_api::Time| Timestamp::from_millis(at.as_millis())),
        })
    }
}
