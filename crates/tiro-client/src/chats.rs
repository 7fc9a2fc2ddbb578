//! Chats of an application.

use http::Method;
use tiro_api::{Chat, ChatPage, CreateChat, UpdateChat};

use crate::{Answer, Client, Error, Paging, Sending};

impl Client {
    /// Creates a chat.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn create_chat(
        &self,
        token: &str,
        chat: &CreateChat<'_>,
        sending: &Sending,
    ) -> Result<Answer<Chat<'static>>, Error> {
        let path = ["v1", "applications", token, "chats"];
        self.write(Method::POST, &path, chat, sending).await
    }

    /// Gets a chat.
    ///
    /// # Errors
    /// Those of any request; 410 if it was deleted.
    pub async fn chat(&self, token: &str, number: u64) -> Result<Answer<Chat<'static>>, Error> {
        let number = number.to_string();
        let path = ["v1", "applications", token, "chats", &number];
        self.get(&path, &[]).await
    }

    /// Chats by number, tombstones included.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn chats(&self, token: &str, paging: &Paging) -> Result<ChatPage<'static>, Error> {
        let path = ["v1", "applications", token, "chats"];
        Ok(self.get(&path, &paging.query()).await?.value)
    }

    /// Live chats, the one with the newest message first; `paging` may have `after` and `limit`.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn chats_by_activity(&self, token: &str, paging: &Paging) -> Result<ChatPage<'static>, Error> {
        let path = ["v1", "applications", token, "chats"];
        let mut query = paging.query();
        query.push(("order", "activity".to_owned()));
        Ok(self.get(&path, &query).await?.value)
    }

    /// Changes a chat's title or metadata.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn update_chat(
        &self,
        token: &str,
        number: u64,
        update: &UpdateChat<'_>,
        sending: &Sending,
    ) -> Result<Answer<Chat<'static>>, Error> {
        let number = number.to_string();
        let path = ["v1", "applications", token, "chats", &number];
        self.write(Method::PATCH, &path, update, sending).await
    }

    /// Deletes a chat and its messages; repeating it is fine.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn delete_chat(
        &self,
        token: &str,
        number: u64,
        sending: &Sending,
    ) -> Result<Answer<()>, Error> {
        let number = number.to_string();
        let path = ["v1", "applications", token, "chats", &number];
        self.delete(&path, sending).await
    }
}
