//! One connection to RabbitMQ, with bounds on how long anything may stay unnoticed.

use std::future::Future;
use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::RabbitError;

/// A peer that is silent for twice as long is gone.
const HEARTBEAT_S: u16 = 10;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A question is answered in milliseconds; declaring all queues takes a few seconds where RabbitMQ has just started.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Opens a connection; `purpose` is what operators of RabbitMQ see it called.
///
/// # Errors
/// When the address is none, or nobody answers within 10 s.
pub(crate) async fn connect(url: &str, purpose: &str) -> Result<Connection, RabbitError> {
    let mut uri: AMQPUri = url.parse().map_err(RabbitError::Address)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    let properties = ConnectionProperties::default().with_connection_name(purpose.into());
    match timeout(CONNECT_WITHIN, Connection::connect_uri(uri, properties)).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(RabbitError::Unanswered),
    }
}

/// What RabbitMQ answers within 20 s. Its heartbeats end a connection that fell silent; one that is alive may still not answer.
///
/// # Errors
/// [`RabbitError::Unanswered`] after that.
pub(crate) async fn answered<T, E: Into<RabbitError>>(
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, RabbitError> {
    match timeout(ANSWER_WITHIN, question).await {
        Ok(answer) => answer.map_err(E::into),
        Err(_) => Err(RabbitError::Unanswered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_question_that_is_never_answered_has_an_end() {
        let never = answered(std::future::pending::<lapin::Result<()>>()).await;
        assert_eq!(never, Err(RabbitError::Unanswered));
    }
}
