//! Parked creates as messages: what is said in one, and how it is published.
//!
//! A message holds the whole request, since nothing else does. It is confirmed by its queue on a quorum before anybody is
//! told, and may arrive more than once: its key makes it one thing.

use std::borrow::Cow;
use std::sync::Arc;

use lapin::message::Delivery;
use serde::{Deserialize, Serialize};
use tiro_core::{
    Body, Command, CreateChat, IdempotencyKey, Limits, MessageContent, Metadata, Operation, Request, Sender,
    Title, Token,
};

use super::message::{id, persistent, properties, tries};
use super::publisher::Outgoing;
use super::topology::Topology;
use super::{Publisher, RabbitError};

/// Of the body. Another version is not understood, and becomes a dead letter.
const VERSION: u32 = 1;
/// Most bytes of a message. What is larger is not parked: queues of RabbitMQ are not made for it, and a worker holds some
/// at once.
pub(crate) const PARKED_BYTES_MAX: usize = 1024 * 1024;

/// A create on its way through RabbitMQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParkedCreate {
    /// Names the message for people, and stays the same through all tries. 16 hexadecimal digits.
    id: String,
    /// How often applying it was tried and failed.
    tries: u32,
    body: Vec<u8>,
    pub(crate) request: Request,
    pub(crate) operation: Operation,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json<'a> {
    version: u32,
    parked_at: i64,
    token: Cow<'a, str>,
    key: Cow<'a, str>,
    create: Create<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Create<'a> {
    Chat {
        title: Option<Cow<'a, str>>,
        metadata: Option<Cow<'a, str>>,
    },
    Message {
        chat: u64,
        message: Content<'a>,
    },
    Messages {
        chat: u64,
        messages: Vec<Content<'a>>,
    },
}

/// Metadata is a text here, so that it keeps its spelling.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    body: Cow<'a, str>,
    sender: Option<Cow<'a, str>>,
    metadata: Option<Cow<'a, str>>,
}

impl ParkedCreate {
    /// A new one; gives the request back where it is none that can be parked, or too large.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn new(request: Request) -> Result<Result<ParkedCreate, Request>, getrandom::Error> {
        let (Some(operation), Some(body)) = (Operation::of(&request), body(&request)) else {
            return Ok(Err(request));
        };
        if body.len() > PARKED_BYTES_MAX {
            return Ok(Err(request));
        }
        Ok(Ok(ParkedCreate {
            id: format!("{:016x}", getrandom::u64()?),
            tries: 0,
            body,
            request,
            operation,
        }))
    }

    /// What a message says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(delivery: &Delivery) -> Result<ParkedCreate, String> {
        let json: Json<'_> = serde_json::from_slice(&delivery.data).map_err(|error| error.to_string())?;
        if json.version != VERSION {
            return Err(format!("its version is {}, not {VERSION}", json.version));
        }
        let token = Token::parse(&json.token).map_err(|_| "its token is none".to_owned())?;
        let key = IdempotencyKey::new(&json.key).map_err(|_| "its key is none".to_owned())?;
        let request = Request::keyed(command(token, json.create)?, key);
        let operation = Operation::of(&request).ok_or("it is no create that can be parked")?;
        Ok(ParkedCreate {
            id: id(&delivery.properties),
            tries: tries(&delivery.properties),
            body: delivery.data.clone(),
            request,
            operation,
        })
    }

    /// Bytes of the message.
    pub(crate) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Back after a delay, since something was away; no try is counted.
    pub(super) fn put_aside(&self, topology: &Topology, reason: &str) -> Outgoing {
        self.copy(topology.retry(u32::MAX), topology, self.tries, reason)
    }

    /// Back after a delay, or a dead letter after so many tries.
    pub(super) fn failed(&self, topology: &Topology, tries_max: u32, reason: &str) -> Outgoing {
        let (id, tries) = (&self.id, self.tries + 1);
        let exchange = if tries < tries_max {
            tracing::warn!(id, tries, reason, "a parked create failed and is tried again");
            topology.retry(tries)
        } else {
            tracing::error!(id, tries, reason, "a parked create failed: a dead letter");
            topology.dead()
        };
        self.copy(exchange, topology, tries, reason)
    }

    fn copy(&self, exchange: String, topology: &Topology, tries: u32, reason: &str) -> Outgoing {
        Outgoing {
            exchange,
            routing_key: topology.parked(),
            properties: properties(&self.id, tries, Some(reason)),
            body: self.body.clone(),
        }
    }
}

impl Publisher {
    /// Puts them into their queue, and answers in the same order. Takes at most 20 s. What was not confirmed may have arrived
    /// nevertheless, but for [`RabbitError::Refused`], [`RabbitError::Unroutable`] and [`RabbitError::Unreached`].
    pub(crate) async fn park(&self, creates: &[ParkedCreate]) -> Vec<Result<(), RabbitError>> {
        let messages = creates.iter().map(|create| Outgoing {
            exchange: String::new(),
            routing_key: self.topology().parked(),
            properties: persistent(&create.id),
            body: create.body.clone(),
        });
        self.publish(&messages.collect::<Vec<_>>()).await
    }
}

/// `None` where the request is none that can be parked.
fn body(request: &Request) -> Option<Vec<u8>> {
    let (key, _) = request.key.as_ref()?;
    let (token, create) = match &request.command {
        Command::CreateChat(chat) => {
            let (title, metadata) = (chat.title.as_deref(), chat.metadata.as_ref());
            let create = Create::Chat {
                title: title.map(Cow::Borrowed),
                metadata: metadata.map(|metadata| Cow::Borrowed(metadata.as_str())),
            };
            (&chat.token, create)
        }
        Command::CreateMessage { token, chat, content } => {
            let message = Content::of(content);
            (token, Create::Message { chat: *chat, message })
        }
        Command::CreateMessages {
            token,
            chat,
            messages,
        } => {
            let messages = messages.iter().map(|content| Content::of(content)).collect();
            (
                token,
                Create::Messages {
                    chat: *chat,
                    messages,
                },
            )
        }
        _ => return None,
    };
    let json = Json {
        version: VERSION,
        parked_at: crate::clock::now_ms(),
        token: Cow::Borrowed(token.as_str()),
        key: Cow::Borrowed(key),
        create,
    };
    Some(serde_json::to_vec(&json).expect("texts and numbers can be written as JSON"))
}

/// What would break a rule of the core is no command; all else was checked by the node that parked it.
fn command(token: Token, create: Create<'_>) -> Result<Command, String> {
    Ok(match create {
        Create::Chat { title, metadata } => Command::CreateChat(CreateChat {
            token,
            title: title.map(|title| Title::stored(&title)),
            metadata: read_metadata(metadata)?,
        }),
        Create::Message { chat, message } => Command::CreateMessage {
            token,
            chat,
            content: message.into_content()?,
        },
        Create::Messages { messages, .. } if messages.is_empty() => {
            return Err("it has no messages".to_owned());
        }
        Create::Messages { chat, messages } => Command::CreateMessages {
            token,
            chat,
            messages: messages
                .into_iter()
                .map(Content::into_content)
                .collect::<Result<_, _>>()?,
        },
    })
}

fn read_metadata(text: Option<Cow<'_, str>>) -> Result<Option<Metadata>, String> {
    let unlimited = Limits {
        metadata_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let metadata = text.map(|text| Metadata::parse(&text, &unlimited)).transpose();
    metadata.map_err(|fault| format!("its metadata is none: {fault:?}"))
}

impl Content<'_> {
    fn of(content: &MessageContent) -> Content<'_> {
        Content {
            body: Cow::Borrowed(&content.body),
            sender: content.sender.as_deref().map(Cow::Borrowed),
            metadata: content
                .metadata
                .as_ref()
                .map(|metadata| Cow::Borrowed(metadata.as_str())),
        }
    }

    fn into_content(self) -> Result<Arc<MessageContent>, String> {
        Ok(Arc::new(MessageContent {
            body: Body::stored(&self.body),
            sender: self.sender.map(|sender| Sender::stored(&sender)),
            metadata: read_metadata(self.metadata)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(command: Command) -> Request {
        Request::keyed(
            command,
            IdempotencyKey::new("a \"key\"".replace(' ', "-").as_str()).unwrap(),
        )
    }

    fn token() -> Token {
        Token::generated([3; 16])
    }

    fn content(body: &str, metadata: Option<&str>) -> Arc<MessageContent> {
        Arc::new(MessageContent {
            body: Body::stored(body),
            sender: metadata.map(|_| Sender::stored("ada")),
            metadata: metadata.map(Metadata::stored),
        })
    }

    fn creates() -> [Command; 4] {
        let spelled = content("\"é\u{1}世界\"", Some("{\"a\":\"\\u0061\",\"n\":1.50}"));
        [
            Command::CreateChat(CreateChat {
                token: token(),
                title: Some(Title::stored("parcels")),
                metadata: Some(Metadata::stored("{\"b\":1,\"a\":2}")),
            }),
            Command::CreateChat(CreateChat {
                token: token(),
                title: None,
                metadata: None,
            }),
            Command::CreateMessage {
                token: token(),
                chat: 7,
                content: spelled.clone(),
            },
            Command::CreateMessages {
                token: token(),
                chat: 9,
                messages: vec![spelled, content("b", None)],
            },
        ]
    }

    fn delivered(outgoing: Outgoing) -> Delivery {
        let mut delivery = Delivery::mock(1, "".into(), "".into(), false, outgoing.body);
        delivery.properties = outgoing.properties;
        delivery
    }

    #[test]
    fn what_is_written_is_read_also_after_a_failed_try() {
        let topology = Topology::new("tiro", vec![0]);
        for command in creates() {
            let parked = ParkedCreate::new(request(command)).unwrap().unwrap();
            let copy = parked.failed(&topology, 8, "as the test wants it");
            assert_eq!(
                (copy.exchange.as_str(), copy.routing_key.as_str()),
                ("tiro.retry.1000ms", "tiro.parked")
            );
            let again = ParkedCreate::read(&delivered(copy)).unwrap();
            assert_eq!(again.tries, 1);
            assert_eq!(ParkedCreate { tries: 0, ..again }, parked);
        }
    }

    #[test]
    fn the_last_try_makes_a_dead_letter_and_what_was_away_counts_none() {
        let topology = Topology::new("tiro", vec![0]);
        let [command, ..] = creates();
        let mut parked = ParkedCreate::new(request(command)).unwrap().unwrap();
        let aside = parked.put_aside(&topology, "away");
        assert_eq!(aside.exchange, "tiro.retry.30000ms");
        assert_eq!(ParkedCreate::read(&delivered(aside)).unwrap().tries, 0);
        parked.tries = 7;
        assert_eq!(parked.failed(&topology, 8, "broken").exchange, "tiro.dead");
    }

    #[test]
    fn what_cannot_be_parked_or_is_too_large_is_given_back() {
        let long = Command::CreateMessages {
            token: token(),
            chat: 1,
            messages: vec![content(&"x".repeat(65_536), None); 16],
        };
        let [small, ..] = creates();
        for refused in [request(long), Request::new(small)] {
            assert_eq!(ParkedCreate::new(refused.clone()).unwrap(), Err(refused));
        }
    }

    #[test]
    fn what_is_not_understood_says_why() {
        let newer = br#"{"version":2,"parked_at":0,"token":"t","key":"k","create":{"chat":{"title":null,"metadata":null}}}"#;
        let tokenless = String::from_utf8_lossy(newer).replace("\"version\":2", "\"version\":1");
        let with_create = |create: &str| {
            let token = Token::generated([3; 16]);
            let token = token.as_str();
            format!(r#"{{"version":1,"parked_at":0,"token":"{token}","key":"k","create":{create}}}"#)
                .into_bytes()
        };
        for (data, named) in [
            (newer.to_vec(), "version is 2"),
            (tokenless.into_bytes(), "token"),
            (
                with_create("{\"messages\":{\"chat\":1,\"messages\":[]}}"),
                "no messages",
            ),
            (
                with_create("{\"chat\":{\"title\":null,\"metadata\":\"[1]\"}}"),
                "metadata",
            ),
            (b"what?".to_vec(), "expected value"),
        ] {
            let delivery = Delivery::mock(1, "".into(), "".into(), false, data);
            let error = ParkedCreate::read(&delivery).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
