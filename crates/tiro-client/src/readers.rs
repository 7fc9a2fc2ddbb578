//! Readers: how far somebody has read, and where something is unread.

use http::Method;
use tiro_api::{ReadState, ReadStatePage, SetRead};

use crate::{Answer, Client, Error, Paging, Sending};

impl Client {
    /// Says that a reader has read up to message `read`. Repeating it is fine, and a lower number changes nothing.
    ///
    /// # Errors
    /// Those of any request; 422 past the last message.
    pub async fn set_read(
        &self,
        token: &str,
        chat: u64,
        reader: &str,
        read: u64,
    ) -> Result<Answer<ReadState<'static>>, Error> {
        let chat = chat.to_string();
        let path = ["v1", "applications", token, "chats", &chat, "readers", reader];
        // The server needs no key for it; one lets this client send it again by itself.
        self.write(Method::PUT, &path, &SetRead { read }, &Sending::default())
            .await
    }

    /// How far a reader has read, and how much is unread.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn reader(
        &self,
        token: &str,
        chat: u64,
        reader: &str,
    ) -> Result<Answer<ReadState<'static>>, Error> {
        let chat = chat.to_string();
        let path = ["v1", "applications", token, "chats", &chat, "readers", reader];
        self.get(&path, &[]).await
    }

    /// The chats, by number, in which a reader has a marker and something unread. Takes `after` and `limit`.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn unread_chats(
        &self,
        token: &str,
        reader: &str,
        paging: &Paging,
    ) -> Result<ReadStatePage<'static>, Error> {
        let path = ["v1", "applications", token, "readers", reader];
        Ok(self.get(&path, &paging.query()).await?.value)
    }
}
