//! The audit of an application after a kill: everything that can be read, against everything that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use tiro_client::api::{Chat, Code, Message};
use tiro_client::{Client, Paging};

use super::diary::{Change, Expected, KnownMessage};
use super::perform::has_code;

const PAGE: u32 = 200;
/// One of so many messages is also read by its number.
const POINT_READ_ONE_IN: usize = 20;

/// All that lists show of an application: each thing as the JSON it arrived in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Observed {
    application: String,
    chats: Vec<ObservedChat>,
}

#[derive(Debug, PartialEq, Eq)]
struct ObservedChat {
    json: String,
    messages: Vec<String>,
}

fn json(thing: &impl serde::Serialize) -> String {
    serde_json::to_string(thing).unwrap()
}

fn read<'a, T: serde::Deserialize<'a>>(json: &'a str) -> T {
    serde_json::from_str(json).unwrap()
}

/// Lists everything.
pub(super) async fn observe(client: &Client, token: &str) -> Observed {
    let application = json(&client.application(token).await.unwrap().value);
    let mut chats = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = client
            .chats(token, &Paging::after(&after).limit(PAGE))
            .await
            .unwrap();
        for chat in page.data {
            let messages = match chat.deleted_at {
                None => list_messages(client, token, chat.number).await,
                Some(_) => Vec::new(),
            };
            chats.push(ObservedChat {
                json: json(&chat),
                messages,
            });
        }
        match page.next {
            Some(next) => after = next.into_owned(),
            None => return Observed { application, chats },
        }
    }
}

async fn list_messages(client: &Client, token: &str, chat: u64) -> Vec<String> {
    let mut messages = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let paging = Paging::after(&after).limit(PAGE);
        let page = client.messages(token, chat, &paging).await.unwrap();
        messages.extend(page.data.iter().map(json));
        match page.next {
            Some(next) => after = next.into_owned(),
            None => return messages,
        }
    }
}

/// Holds what is seen against what was acknowledged.
pub(super) async fn audit(client: &Client, token: &str, expected: &Expected, observed: &Observed) {
    let mut strangers = Strangers::default();
    let perhaps_deleted = expected.perhaps_deleted_chats();
    let mut live = BTreeSet::new();
    for (number, observed) in (1..).zip(&observed.chats) {
        let chat: Chat<'_> = read(&observed.json);
        assert_eq!(chat.number, number, "the list of chats has a hole");
        let is_deleted = chat.deleted_at.is_some();
        match expected.chats.get(&number) {
            Some(known) if is_deleted => {
                assert!(
                    known.is_deleted || perhaps_deleted.contains(&number),
                    "chat {number} is deleted"
                );
            }
            Some(known) => {
                assert!(!known.is_deleted, "chat {number} is back");
                assert_eq!(chat.title.as_deref(), Some(known.title.as_str()));
            }
            None => strangers
                .titles
                .push(chat.title.clone().unwrap_or_default().into_owned()),
        }
        if is_deleted {
            assert_gone(client, token, number).await;
        } else {
            live.insert(number);
            audit_messages(expected, &chat, &observed.messages, &mut strangers);
            assert_point_reads(client, token, observed).await;
        }
    }
    for number in expected.chats.keys() {
        assert!(*number <= observed.chats.len() as u64, "chat {number} is lost");
    }
    let application: tiro_client::api::Application<'_> = read(&observed.application);
    assert_eq!(application.chats_count, live.len() as u64);
    assert_activity_lists_exactly(client, token, &live).await;
    strangers.assert_all_were_asked_for(&expected.unknown);
}

fn audit_messages(expected: &Expected, chat: &Chat<'_>, observed: &[String], strangers: &mut Strangers) {
    let place = |number: u64| format!("message {number} of chat {}", chat.number);
    let mut live = 0;
    for (number, observed) in (1..).zip(observed) {
        let message: Message<'_> = read(observed);
        assert_eq!(
            message.number, number,
            "the list of chat {} has a hole",
            chat.number
        );
        live += u64::from(message.deleted_at.is_none());
        match expected.messages.get(&(chat.number, number)) {
            Some(known) => assert!(
                is_as_known(known, &message) || may_be(expected, chat.number, known, &message),
                "{}: expected {known:?}, found {message:?}",
                place(number)
            ),
            None => {
                let body = message
                    .body
                    .unwrap_or_else(|| panic!("{} is a stranger's tombstone", place(number)));
                let before = strangers
                    .messages
                    .insert(body.into_owned(), (chat.number, number));
                assert!(before.is_none(), "{} was stored twice", place(number));
            }
        }
    }
    let known = expected
        .messages
        .range((chat.number, 0)..=(chat.number, u64::MAX));
    for ((_, number), _) in known {
        assert!(*number <= observed.len() as u64, "{} is lost", place(*number));
    }
    assert_eq!(chat.messages_count, live, "chat {}", chat.number);
    assert_eq!(
        chat.last_message_number,
        observed.len() as u64,
        "chat {}",
        chat.number
    );
}

fn is_as_known(known: &KnownMessage, message: &Message<'_>) -> bool {
    let body = (!known.is_deleted).then_some(known.body.as_str());
    message.version == known.version
        && message.body.as_deref() == body
        && message.deleted_at.is_some() == known.is_deleted
}

/// Whether the message is as it would be after a change whose outcome is unknown.
fn may_be(expected: &Expected, chat: u64, known: &KnownMessage, message: &Message<'_>) -> bool {
    let next = |change: &Change| match change {
        Change::UpdateMessage {
            chat: of,
            number,
            body,
        } if (*of, *number) == (chat, message.number) => Some(KnownMessage {
            body: body.clone(),
            version: known.version + 1,
            ..known.clone()
        }),
        Change::DeleteMessage { chat: of, number } if (*of, *number) == (chat, message.number) => {
            Some(KnownMessage {
                is_deleted: true,
                version: known.version + 1,
                ..known.clone()
            })
        }
        _ => None,
    };
    expected
        .unknown
        .iter()
        .filter_map(next)
        .any(|known| is_as_known(&known, message))
}

/// Things that nobody was told of: each must be what an unknown request asked for.
#[derive(Default)]
struct Strangers {
    titles: Vec<String>,
    /// Body to chat and number.
    messages: BTreeMap<String, (u64, u64)>,
}

impl Strangers {
    fn assert_all_were_asked_for(mut self, unknown: &[Change]) {
        for change in unknown {
            match change {
                Change::CreateChat { title } => {
                    if let Some(place) = self.titles.iter().position(|other| other == title) {
                        self.titles.swap_remove(place);
                    }
                }
                Change::CreateMessage { chat, body } => {
                    self.assert_whole_or_none(*chat, std::slice::from_ref(body));
                }
                Change::CreateBatch { chat, bodies } => self.assert_whole_or_none(*chat, bodies),
                _ => {}
            }
        }
        assert!(
            self.titles.is_empty(),
            "chats that nobody asked for: {:?}",
            self.titles
        );
        assert!(
            self.messages.is_empty(),
            "messages that nobody asked for: {:?}",
            self.messages
        );
    }

    fn assert_whole_or_none(&mut self, chat: u64, bodies: &[String]) {
        let found: Vec<_> = bodies
            .iter()
            .filter_map(|body| self.messages.remove(body))
            .collect();
        if let Some((_, first)) = found.first() {
            let whole: Vec<_> = (*first..)
                .take(bodies.len())
                .map(|number| (chat, number))
                .collect();
            assert_eq!(found, whole, "a part of what was asked for, or not in one piece");
        }
    }
}

async fn assert_point_reads(client: &Client, token: &str, observed: &ObservedChat) {
    let chat: Chat<'_> = read(&observed.json);
    let read_chat = client.chat(token, chat.number).await.unwrap().value;
    assert_eq!(json(&read_chat), observed.json);
    for listed in observed.messages.iter().step_by(POINT_READ_ONE_IN) {
        let message: Message<'_> = read(listed);
        match client.message(token, chat.number, message.number).await {
            Ok(answer) => assert_eq!(json(&answer.value), *listed),
            Err(error) => {
                assert!(
                    message.deleted_at.is_some() && has_code(&error, Code::MessageDeleted),
                    "{error}"
                );
            }
        }
    }
}

async fn assert_gone(client: &Client, token: &str, chat: u64) {
    for error in [
        client.chat(token, chat).await.unwrap_err(),
        client
            .messages(token, chat, &Paging::default())
            .await
            .unwrap_err(),
        client.message(token, chat, 1).await.unwrap_err(),
    ] {
        assert!(has_code(&error, Code::ChatDeleted), "{error}");
    }
}

async fn assert_activity_lists_exactly(client: &Client, token: &str, live: &BTreeSet<u64>) {
    let mut listed = Vec::new();
    let mut paging = Paging::default().limit(PAGE);
    loop {
        let page = client.chats_by_activity(token, &paging).await.unwrap();
        listed.extend(page.data.iter().map(|chat| chat.number));
        match page.next {
            Some(next) => paging = Paging::after(next).limit(PAGE),
            None => break,
        }
    }
    let unique: BTreeSet<u64> = listed.iter().copied().collect();
    assert_eq!((listed.len(), &unique), (live.len(), live));
}
