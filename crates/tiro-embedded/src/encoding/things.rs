//! Applications, chats and messages as bytes: the values of view rows, and parts of events.

use std::sync::Arc;

use tiro_core::{
    Application, ApplicationId, Body, Chat, Epoch, Marker, Message, MessageContent, Metadata, Name,
    ReaderName, Sender, Stage, Title, Token,
};

use super::{Corrupt, Decoder, Encoder};

impl Encoder<'_> {
    pub(crate) fn application_id(&mut self, id: ApplicationId) {
        self.number(u64::from(id.0));
    }

    pub(crate) fn metadata(&mut self, metadata: Option<&Metadata>) {
        self.optional_text(metadata.map(Metadata::as_str));
    }

    pub(crate) fn application(&mut self, application: &Application) {
        self.application_id(application.id);
        self.text(application.token.as_str());
        self.text(application.epoch.as_str());
        let restoring = match application.stage {
            Stage::Ready => None,
            Stage::Restoring { last_position } => Some(last_position),
        };
        self.optional(restoring, Encoder::number);
        self.optional_text(application.name.as_deref());
        self.metadata(application.metadata.as_ref());
        self.number(application.chats_count);
        self.number(application.last_chat_number);
        self.number(application.last_position);
        self.time(application.created_at);
        self.time(application.updated_at);
        self.optional_time(application.deleted_at);
        self.number(application.version);
    }

    pub(crate) fn chat(&mut self, chat: &Chat) {
        self.number(chat.number);
        self.optional_text(chat.title.as_deref());
        self.metadata(chat.metadata.as_ref());
        self.number(chat.messages_count);
        self.number(chat.last_message_number);
        self.optional_time(chat.last_message_at);
        self.time(chat.created_at);
        self.time(chat.updated_at);
        self.optional_time(chat.deleted_at);
        self.number(chat.version);
        self.number(chat.activity_position);
        self.number(chat.change_position);
    }

    /// A chat with what only the view keeps of it: the log's chats are new, or of an export, and have no markers.
    pub(crate) fn chat_row(&mut self, chat: &Chat) {
        self.chat(chat);
        self.number(chat.markers_count);
    }

    pub(crate) fn content(&mut self, content: &MessageContent) {
        self.text(&content.body);
        self.optional_text(content.sender.as_deref());
        self.metadata(content.metadata.as_ref());
    }

    pub(crate) fn marker(&mut self, marker: &Marker) {
        self.number(marker.chat);
        self.text(&marker.reader);
        self.number(marker.read);
        self.number(marker.version);
    }

    pub(crate) fn message(&mut self, message: &Message) {
        self.number(message.number);
        self.optional(message.content.as_deref(), Encoder::content);
        self.time(message.created_at);
        self.time(message.updated_at);
        self.optional_time(message.deleted_at);
        self.number(message.version);
        self.number(message.created_position);
    }
}

impl Decoder<'_> {
    pub(crate) fn application_id(&mut self) -> Result<ApplicationId, Corrupt> {
        let id = u32::try_from(self.number()?)
            .map_err(|_| Corrupt("an application's number has more than 32 bits"))?;
        Ok(ApplicationId(id))
    }

    pub(crate) fn token(&mut self) -> Result<Token, Corrupt> {
        Token::parse(self.text()?).map_err(|_| Corrupt("a token is not one"))
    }

    pub(crate) fn epoch(&mut self) -> Result<Epoch, Corrupt> {
        Epoch::parse(self.text()?).ok_or(Corrupt("an epoch is not one"))
    }

    pub(crate) fn name(&mut self) -> Result<Name, Corrupt> {
        self.text().map(Name::stored)
    }

    pub(crate) fn metadata(&mut self) -> Result<Option<Metadata>, Corrupt> {
        Ok(self.optional_text()?.map(Metadata::stored))
    }

    pub(crate) fn title(&mut self) -> Result<Option<Title>, Corrupt> {
        Ok(self.optional_text()?.map(Title::stored))
    }

    pub(crate) fn application(&mut self) -> Result<Application, Corrupt> {
        Ok(Application {
            id: self.application_id()?,
            token: self.token()?,
            epoch: self.epoch()?,
            stage: match self.optional(Decoder::number)? {
                None => Stage::Ready,
                Some(last_position) => Stage::Restoring { last_position },
            },
            name: self.optional(Decoder::name)?,
            metadata: self.metadata()?,
            chats_count: self.number()?,
            last_chat_number: self.number()?,
            last_position: self.number()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            deleted_at: self.optional_time()?,
            version: self.number()?,
        })
    }

    pub(crate) fn chat(&mut self) -> Result<Chat, Corrupt> {
        Ok(Chat {
            number: self.number()?,
            title: self.title()?,
            metadata: self.metadata()?,
            messages_count: self.number()?,
            last_message_number: self.number()?,
            last_message_at: self.optional_time()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            deleted_at: self.optional_time()?,
            version: self.number()?,
            activity_position: self.number()?,
            change_position: self.number()?,
            markers_count: 0,
        })
    }

    pub(crate) fn chat_row(&mut self) -> Result<Chat, Corrupt> {
        let chat = self.chat()?;
        Ok(Chat {
            markers_count: self.number()?,
            ..chat
        })
    }

    pub(crate) fn content(&mut self) -> Result<Arc<MessageContent>, Corrupt> {
        Ok(Arc::new(MessageContent {
            body: Body::stored(self.text()?),
            sender: self.optional_text()?.map(Sender::stored),
            metadata: self.metadata()?,
        }))
    }

    pub(crate) fn marker(&mut self) -> Result<Marker, Corrupt> {
        Ok(Marker {
            chat: self.number()?,
            reader: ReaderName::stored(self.text()?),
            read: self.number()?,
            version: self.number()?,
        })
    }

    pub(crate) fn message(&mut self) -> Result<Message, Corrupt> {
        Ok(Message {
            number: self.number()?,
            content: self.optional(Decoder::content)?,
            created_at: self.time()?,
            updated_at: self.time()?,
            deleted_at: self.optional_time()?,
            version: self.number()?,
            created_position: self.number()?,
        })
    }

    /// Passes over a message.
    pub(crate) fn skip_message(&mut self) -> Result<(), Corrupt> {
        self.number()?;
        self.optional(|decoder| {
            decoder.skip_text()?;
            decoder.optional(Decoder::skip_text)?;
            decoder.optional(Decoder::skip_text)
        })?;
        self.skip_times_and_version()
    }

    /// What comes in a message behind its content.
    fn skip_times_and_version(&mut self) -> Result<(), Corrupt> {
        self.number()?;
        self.number()?;
        self.optional(Decoder::number)?;
        self.number()?;
        self.number().map(drop)
    }
}

impl<'a> Decoder<'a> {
    /// Passes over a message, but for its number and body; a tombstone has none.
    pub(crate) fn message_body(&mut self) -> Result<(u64, Option<&'a str>), Corrupt> {
        let number = self.number()?;
        let body = self.optional(|decoder| {
            let body = decoder.text()?;
            decoder.optional(Decoder::skip_text)?;
            decoder.optional(Decoder::skip_text)?;
            Ok(body)
        })?;
        self.skip_times_and_version()?;
        Ok((number, body))
    }
}
