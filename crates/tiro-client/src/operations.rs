//! Creates that are answered before they are carried out, and what became of them.

use http::HeaderValue;
use http::Method;
use http::header::HeaderName;
use serde::Serialize;
use tiro_api::{CreateBatch, CreateChat, CreateMessage, Operation};

use crate::{Answer, Client, Error};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What is to be created.
#[derive(Clone, Copy, Debug)]
pub enum Create<'a> {
    /// A chat.
    Chat(&'a CreateChat<'a>),
    /// A message.
    Message {
        /// In which chat.
        chat: u64,
        /// What it says.
        message: &'a CreateMessage<'a>,
    },
    /// Messages, all or none.
    Messages {
        /// In which chat.
        chat: u64,
        /// In order.
        messages: &'a [CreateMessage<'a>],
    },
}

impl Client {
    /// Asks for a create to be parked under this key, and answers its operation. `None` where the server carried it out at once:
    /// a server of one process does, and then [`Client::create_chat`] and the like under the same key tell what was made.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn park(
        &self,
        token: &str,
        create: Create<'_>,
        key: &str,
    ) -> Result<Option<Answer<Operation<'static>>>, Error> {
        let chats = ["v1", "applications", token, "chats"];
        match create {
            Create::Chat(create) => self.send_parked(&chats, create, key).await,
            Create::Message { chat, message } => {
                let chat = chat.to_string();
                let path = ["v1", "applications", token, "chats", &chat, "messages"];
                self.send_parked(&path, message, key).await
            }
            Create::Messages { chat, messages } => {
                let chat = chat.to_string();
                let path = ["v1", "applications", token, "chats", &chat, "messages", "batch"];
                self.send_parked(&path, &CreateBatch { messages }, key).await
            }
        }
    }

    async fn send_parked(
        &self,
        path: &[&str],
        body: &impl Serialize,
        key: &str,
    ) -> Result<Option<Answer<Operation<'static>>>, Error> {
        let sending = crate::Sending::named(key);
        let mut call = self.call_of(Method::POST, path, body, &sending)?;
        call.set(PREFER, HeaderValue::from_static("respond-async"));
        let raw = self.send(&call).await?;
        if raw.status == http::StatusCode::ACCEPTED {
            return self.decode(raw).map(Some);
        }
        Ok(None)
    }

    /// What became of a parked create; `operation` is its name.
    ///
    /// # Errors
    /// Those of any request; 404 for a name that the server did not give out.
    pub async fn operation(&self, token: &str, operation: &str) -> Result<Answer<Operation<'static>>, Error> {
        let path = ["v1", "applications", token, "operations", operation];
        self.get(&path, &[]).await
    }
}
