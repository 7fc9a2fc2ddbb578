//! RabbitMQ: the way of changes to the workers, and the place of what could not be done.
//!
//! A message of a change only says "the changes of this partition exist up to here", and whoever takes it starts from what is
//! done already. So one that is lost, doubled or overtaken harms nothing, and its queue may be deleted at any time. A parked
//! create is all there is of it.
//! Reconnecting is done here, not by lapin: a connection that failed is dropped whole, and a new one declares the
//! topology again.

mod connection;
pub(crate) mod consumer;
pub mod dead;
mod message;
mod parked;
mod publisher;
mod topology;
mod transport;

use std::fmt;

pub use connection::Broker;
pub(crate) use connection::answered;
pub use message::Announcement;
pub(crate) use parked::ParkedCreate;
pub use publisher::Publisher;
pub use topology::Topology;

/// Why RabbitMQ did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RabbitError {
    /// The address of the configuration is none.
    Address(String),
    /// It cannot be reached, or the connection was lost: what was asked for may have been done.
    Away(String),
    /// It could not be reached: nothing was asked for.
    Unreached(String),
    /// It does not let this account do that, or has something else of that name. Trying again helps when somebody mends it.
    Denied(String),
    /// It answered that it did not take the message, for example because the queue is full.
    Refused,
    /// No queue is there to take the message.
    Unroutable,
    /// It did not answer in time: what was asked for may have been done.
    Unanswered,
}

impl fmt::Display for RabbitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RabbitError::Address(text) => write!(f, "`rabbitmq` is not an address: {text}"),
            RabbitError::Away(text) | RabbitError::Unreached(text) => {
                write!(f, "RabbitMQ cannot be reached: {text}")
            }
            RabbitError::Denied(text) => write!(f, "RabbitMQ does not allow it: {text}"),
            RabbitError::Refused => f.write_str("RabbitMQ refused the message"),
            RabbitError::Unroutable => f.write_str("RabbitMQ has no queue for the message"),
            RabbitError::Unanswered => f.write_str("RabbitMQ did not answer in time"),
        }
    }
}

impl std::error::Error for RabbitError {}

impl From<lapin::Error> for RabbitError {
    fn from(error: lapin::Error) -> RabbitError {
        // No right, locked, of another kind, no such virtual host.
        const DENIALS: [u16; 4] = [403, 405, 406, 530];
        match error.kind() {
            lapin::ErrorKind::ProtocolError(denial) if DENIALS.contains(&denial.get_id()) => {
                RabbitError::Denied(denial.get_message().to_string())
            }
            _ => RabbitError::Away(tiro_outbound::causes(&error)),
        }
    }
}
