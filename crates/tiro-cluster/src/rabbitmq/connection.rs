//! One connection to RabbitMQ, with bounds on how long anything may stay unnoticed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::RabbitError;

/// A peer that is silent for twice as long is gone.
const HEARTBEAT_S: u16 = 10;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Opens a connection; `purpose` is what operators of RabbitMQ see it called.
///
/// # Errors
/// When the address is none, or nobody answers within 10 s.
pub(crate) fn connect<'a>(url: &'a str, purpose: &'a str) -> BoxFuture<'a, Result<Connection, RabbitError>> {
    Box::pin(open(url, purpose))
}

async fn open(url: &str, purpose: &str) -> Result<Connection, RabbitError> {
    let mut uri: AMQPUri = url.parse().map_err(RabbitError::Address)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    let properties = ConnectionProperties::default().with_connection_name(purpose.into());
    match timeout(CONNECT_WITHIN, Connection::connect_uri(uri, properties)).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(RabbitError::Unanswered),
    }
}
