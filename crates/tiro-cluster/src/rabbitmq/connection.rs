//! One connection to RabbitMQ, with bounds on how long anything may stay unnoticed.

use std::future::Future;
use std::time::Duration;

use async_rs::{Runtime, Tokio};
use futures_util::future::BoxFuture;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use reqwest::Url;
use tiro_outbound::Trust;
use tokio::time::timeout;

use super::RabbitError;
use super::transport::{self, Transport};
use crate::ClusterConfig;

/// A peer that is silent for twice as long is gone.
const HEARTBEAT_S: u16 = 10;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A question is answered in milliseconds; declaring all queues takes a few seconds where RabbitMQ has just started.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Where RabbitMQ is, and whose certificates it may show.
#[derive(Clone)]
pub struct Broker {
    url: String,
    trust: Trust,
}

impl Broker {
    /// The one of a cluster. Connects to nothing yet.
    #[must_use]
    pub fn of(config: &ClusterConfig) -> Broker {
        Broker {
            url: config.rabbitmq.clone(),
            trust: config.trust().clone(),
        }
    }

    /// Opens a connection; `purpose` is what operators of RabbitMQ see it called.
    ///
    /// # Errors
    /// When the address is none, or nobody answers within 10 s, or the `connection_timeout` of the address.
    pub(crate) fn connect<'a>(&'a self, purpose: &'a str) -> BoxFuture<'a, Result<Connection, RabbitError>> {
        Box::pin(self.open(purpose))
    }

    async fn open(&self, purpose: &str) -> Result<Connection, RabbitError> {
        let mut uri = self.uri()?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let asked = uri.query.connection_timeout.map(Duration::from_millis);
        let within = asked.map_or(CONNECT_WITHIN, |asked| asked.min(CONNECT_WITHIN));
        let tls = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => {
                let config = self.trust.client_config();
                Some(config.map_err(|error| RabbitError::Unreached(error.to_string()))?)
            }
        };
        let opened = async move |uri: AMQPUri, _: Runtime<Transport>| {
            let stream = transport::open(&uri.authority.host, uri.authority.port, tls.clone()).await?;
            Ok(AsyncTcpStream::Plain(stream))
        };
        let properties = ConnectionProperties::default().with_connection_name(purpose.into());
        let runtime = Runtime::new(Transport::on(Tokio::current()));
        match timeout(within, Connection::connector(uri, runtime, opened, properties)).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(RabbitError::Unanswered),
        }
    }

    fn uri(&self) -> Result<AMQPUri, RabbitError> {
        let mut uri: AMQPUri = self.url.parse().map_err(RabbitError::Address)?;
        let url = Url::parse(&self.url).map_err(|error| RabbitError::Address(error.to_string()))?;
        // lapin takes an address of IPv6 for none, and goes to `localhost`.
        let bare = url.host_str().and_then(|host| host.strip_prefix('['));
        if let Some(bare) = bare.and_then(|host| host.strip_suffix(']')) {
            bare.clone_into(&mut uri.authority.host);
        }
        Ok(uri)
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
