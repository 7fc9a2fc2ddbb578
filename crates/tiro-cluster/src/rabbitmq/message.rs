//! What is said in a message: how far the changes of a partition go.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};

/// Of the body. Another version is not understood, and becomes a dead letter.
const VERSION: u32 = 1;
const PERSISTENT: u8 = 2;
/// Headers: how often the work was tried and failed, and why it failed last.
const TRIES: &str = "x-tiro-tries";
pub(super) const REASON: &str = "x-tiro-reason";

/// "The changes `first..=last` of this partition exist."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Names the message for people, and stays the same through all tries. 16 hexadecimal digits.
    pub id: String,
    /// Which partition.
    pub partition: u16,
    /// The first position that no earlier message announced; only for people.
    pub first: u64,
    /// The last position.
    pub last: u64,
    /// When it was published first, in milliseconds since 1970.
    pub published_at_ms: i64,
    /// How often the work was tried and failed.
    pub tries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    version: u32,
    partition: u16,
    first: u64,
    last: u64,
    published_at: i64,
}

impl Announcement {
    /// A new one, published now.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(partition: u16, first: u64, last: u64) -> Result<Announcement, getrandom::Error> {
        Ok(Announcement {
            id: format!("{:016x}", getrandom::u64()?),
            partition,
            first,
            last,
            published_at_ms: crate::clock::now_ms(),
            tries: 0,
        })
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let Announcement {
            partition,
            first,
            last,
            ..
        } = *self;
        format!(
            "{{\"version\":{VERSION},\"partition\":{partition},\"first\":{first},\"last\":{last},\
             \"published_at\":{}}}",
            self.published_at_ms
        )
        .into_bytes()
    }

    pub(super) fn properties(&self, reason: Option<&str>) -> BasicProperties {
        properties(&self.id, self.tries, reason)
    }

    /// What a message says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(delivery: &Delivery) -> Result<Announcement, String> {
        let json: Json = serde_json::from_slice(&delivery.data).map_err(|error| error.to_string())?;
        if json.version != VERSION {
            return Err(format!("its version is {}, not {VERSION}", json.version));
        }
        Ok(Announcement {
            id: id(&delivery.properties),
            partition: json.partition,
            first: json.first,
            last: json.last,
            published_at_ms: json.published_at,
            tries: tries(&delivery.properties),
        })
    }
}

/// Of a message that a queue keeps through a restart of RabbitMQ.
pub(super) fn persistent(id: &str) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(id.into())
}

/// The same of work that was tried before.
pub(super) fn properties(id: &str, tries: u32, reason: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(TRIES.into(), AMQPValue::LongLongInt(i64::from(tries)));
    if let Some(reason) = reason {
        headers.insert(REASON.into(), AMQPValue::LongString(shortened(reason).into()));
    }
    persistent(id).with_headers(headers)
}

/// Empty where a message has none: not one of ours.
pub(super) fn id(properties: &BasicProperties) -> String {
    let id = properties.message_id().as_ref();
    id.map(ToString::to_string).unwrap_or_default()
}

/// Failed tries. A message without the header was not tried yet.
pub(super) fn tries(properties: &BasicProperties) -> u32 {
    match header(properties, TRIES) {
        Some(AMQPValue::LongLongInt(tries)) => u32::try_from(*tries).unwrap_or(u32::MAX),
        _ => 0,
    }
}

pub(super) fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

/// So that a message stays small whatever an error says.
fn shortened(reason: &str) -> &str {
    const REASON_BYTES_MAX: usize = 1_000;
    &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(data: Vec<u8>, properties: BasicProperties) -> Delivery {
        let mut delivery = Delivery::mock(1, "".into(), "".into(), false, data);
        delivery.properties = properties;
        delivery
    }

    #[test]
    fn what_is_written_is_read() {
        let mut announcement = Announcement::new(3, 1_201, 1_250).unwrap();
        announcement.tries = 2;
        let delivery = delivered(announcement.body(), announcement.properties(Some("away")));
        assert_eq!(Announcement::read(&delivery), Ok(announcement));
    }

    #[test]
    fn what_is_not_understood_says_why() {
        let newer = br#"{"version":2,"partition":0,"first":1,"last":1,"published_at":0}"#;
        for (data, named) in [
            (newer.to_vec(), "version is 2"),
            (b"x".to_vec(), "expected value"),
        ] {
            let error = Announcement::read(&delivered(data, persistent("a"))).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(shortened(&"ö".repeat(600)).len(), 1_000);
        assert_eq!(shortened(&format!("x{}", "ö".repeat(600))).len(), 999);
    }
}
