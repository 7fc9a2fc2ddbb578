//! What measurements need of the API of one server: applications, chats and messages to measure with.
//!
//! Each call has a connection of its own and is waited for; loads are elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::http::exchange;
use super::requests::{delete, get, post};
use super::series::Series;

/// A single request that takes longer has come to a stop.
const CALL_LASTS_MAX: Duration = Duration::from_secs(60);
/// Connections that make what a measurement needs.
const FILLING_CONNECTIONS: usize = 32;

/// The API at an address.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    address: SocketAddr,
}

impl Api {
    pub(crate) fn at(address: SocketAddr) -> Api {
        Api { address }
    }

    pub(crate) fn address(self) -> SocketAddr {
        self.address
    }

    /// Searches an application once.
    ///
    /// # Errors
    /// The answer is not 200, so not of everything that was acknowledged.
    pub(crate) fn search(self, token: &str, text: &str) -> anyhow::Result<()> {
        self.call(&get(&search_path(token, None, text)), 200)?;
        Ok(())
    }

    /// A new application; answers its token.
    pub(crate) fn create_application(self) -> anyhow::Result<String> {
        let created = self.create("/v1/applications", &json!({"name": "bench"}).to_string())?;
        let token = created["token"]
            .as_str()
            .context("an application without a token")?;
        Ok(token.to_owned())
    }

    /// Chats 1 to `count`, if there are none yet.
    pub(crate) fn create_chats(self, token: &str, count: usize) -> anyhow::Result<()> {
        let request = post(&format!("/v1/applications/{token}/chats"), "{}");
        let series = Series {
            server: self.address,
            make: Arc::new(move |_| request.clone()),
            count,
            connections: FILLING_CONNECTIONS.min(count),
            status: 201,
            name: String::new(),
        };
        series.run()?;
        Ok(())
    }

    /// Messages, each the JSON of one, as one batch.
    pub(crate) fn create_batch(self, token: &str, chat: usize, messages: &[String]) -> anyhow::Result<()> {
        let path = format!("/v1/applications/{token}/chats/{chat}/messages/batch");
        self.create(&path, &batch_body(messages))?;
        Ok(())
    }

    /// Deletes a chat.
    pub(crate) fn delete_chat(self, token: &str, chat: usize) -> anyhow::Result<()> {
        self.call(&delete(&format!("/v1/applications/{token}/chats/{chat}")), 204)?;
        Ok(())
    }

    /// The JSON that is served at a path.
    pub(crate) fn get(self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.call(&get(path), 200)?)?)
    }

    fn create(self, path: &str, body: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.call(&post(path, body), 201)?)?)
    }

    /// Sends one request over a connection of its own; answers the body.
    pub(crate) fn call(self, request: &[u8], status: u16) -> anyhow::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let call = async {
            let mut connection = TcpStream::connect(self.address).await?;
            let mut received = Vec::new();
            let answer = exchange(&mut connection, request, &mut received).await?;
            if answer.status != status {
                bail!(
                    "expected status {status}, received {}",
                    String::from_utf8_lossy(&received)
                );
            }
            Ok(received.split_off(answer.head_bytes))
        };
        let bounded = async { tokio::time::timeout(CALL_LASTS_MAX, call).await };
        runtime
            .block_on(bounded)
            .context("the server left a request unanswered")?
    }
}

/// The path of a search, in a chat or in the whole application.
pub(crate) fn search_path(token: &str, chat: Option<usize>, text: &str) -> String {
    let mut path = format!("/v1/applications/{token}/");
    if let Some(chat) = chat {
        path.push_str(&format!("chats/{chat}/messages/"));
    }
    path.push_str("search?q=");
    for byte in text.bytes() {
        path.push_str(&format!("%{byte:02X}"));
    }
    path
}

/// The body of a batch of messages, each the JSON of one.
pub(crate) fn batch_body(messages: &[String]) -> String {
    format!(r#"{{"messages": [{}]}}"#, messages.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_encoded_byte_by_byte() {
        assert_eq!(
            search_path("t", Some(2), "a ü"),
            "/v1/applications/t/chats/2/messages/search?q=%61%20%C3%BC"
        );
        assert_eq!(search_path("t", None, "+"), "/v1/applications/t/search?q=%2B");
    }
}
