//! Messages of a chat.

use http::Method;
use tiro_api::{BatchCreated, CreateBatch, CreateMessage, Message, MessagePage, UpdateMessage};

use crate::{Answer, Client, Error, Paging, Sending};

impl Client {
    /// Creates one message.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn create_message(
        &self,
        token: &str,
        chat: u64,
        message: &CreateMessage<'_>,
        sending: &Sending,
    ) -> Result<Answer<Message<'static>>, Error> {
        let chat = chat.to_string();
        let path = ["v1", "applications", token, "chats", &chat, "messages"];
        self.write(Method::POST, &path, message, sending).await
    }

    /// Creates messages, all or none, numbered in their order; 1 to 1,000 unless the server is set otherwise.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn create_messages(
        &self,
        token: &str,
        chat: u64,
        messages: &[CreateMessage<'_>],
        sending: &Sending,
    ) -> Result<Answer<BatchCreated>, Error> {
        let chat = chat.to_string();
        let path = ["v1", "applications", token, "chats", &chat, "messages", "batch"];
        let batch = CreateBatch { messages };
        self.write(Method::POST, &path, &batch, sending).await
    }

    /// Gets a message.
    ///
    /// # Errors
    /// Those of any request; 410 if it was deleted.
    pub async fn message(
        &self,
        token: &str,
        chat: u64,
        number: u64,
    ) -> Result<Answer<Message<'static>>, Error> {
        let (chat, number) = (chat.to_string(), number.to_string());
        let path = ["v1", "applications", token, "chats", &chat, "messages", &number];
        self.get(&path, &[]).await
    }

    /// Messages by number, tombstones included.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn messages(
        &self,
        token: &str,
        chat: u64,
        paging: &Paging,
    ) -> Result<MessagePage<'static>, Error> {
        let chat = chat.to_string();
        let path = ["v1", "applications", token, "chats", &chat, "messages"];
        Ok(self.get(&path, &paging.query()).await?.value)
    }

    /// Changes a message's body or metadata.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn update_message(
        &self,
        token: &str,
        chat: u64,
        number: u64,
        update: &UpdateMessage<'_>,
        sending: &Sending,
    ) -> Result<Answer<Message<'static>>, Error> {
        let (chat, number) = (chat.to_string(), number.to_string());
        let path = ["v1", "applications", token, "chats", &chat, "messages", &number];
        self.write(Method::PATCH, &path, update, sending).await
    }

    /// Deletes a message; repeating it is fine.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn delete_message(
        &self,
        token: &str,
        chat: u64,
        number: u64,
        sending: &Sending,
    ) -> Result<Answer<()>, Error> {
        let (chat, number) = (chat.to_string(), number.to_string());
        let path = ["v1", "applications", token, "chats", &chat, "messages", &number];
        self.delete(&path, sending).await
    }
}
