//! Wishes in a fixed order, and what the state and the answers are after each of them.
//!
//! The reference engine says what is expected. The clock stands still, so that a state does not depend on how requests
//! came together in batches: what an engine has must be the state after some number of wishes.

use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;
use tiro_conformance::{ExportedApplication, ReferenceEngine};
use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Epoch, Failure, IdempotencyKey, IfMatch, Limits,
    MessageContent, MetadataChange, Name, NewToken, Patch, ReaderName, Reply, Request, Sender, Timestamp,
    Title, Token, UpdateChat, UpdateMessage,
};

use crate::neighbours::{next_import, next_neighbour};
use crate::store::{block_on, export};
use crate::wish::Wish;

/// The time of everything.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_millis(1_772_600_000_000)
}

pub(crate) fn token() -> Token {
    Token::parse("application_of_tests").unwrap()
}

pub(crate) struct Workload {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) replies: Vec<Result<Reply, Failure>>,
    /// After 0, 1, 2 … wishes.
    pub(crate) states: Vec<Vec<ExportedApplication>>,
}

impl Workload {
    /// Of so many wishes; the same for the same seed.
    pub(crate) fn new(count: usize, seed: u64) -> Workload {
        Workload::of(wishes(count, seed))
    }

    /// The same, with readers who set markers and send between the others.
    pub(crate) fn with_readers(count: usize, seed: u64) -> Workload {
        let mut rng = Rng::with_seed(seed);
        let mut all = Vec::new();
        for wishes in wishes(count, seed).chunks(4) {
            all.extend_from_slice(wishes);
            all.push(Wish::Request(Request::new(set_read(&mut rng))));
            all.push(Wish::Request(Request::new(sent_by_reader(&mut rng))));
        }
        all.truncate(count);
        Workload::of(all)
    }

    fn of(wishes: Vec<Wish>) -> Workload {
        let engine = ReferenceEngine::with_clock(Arc::new(noon));
        let mut states = vec![Vec::new()];
        let mut replies = Vec::new();
        for wish in &wishes {
            replies.push(block_on(wish.submit(&engine)));
            states.push(export(&engine));
        }
        assert_eq!(states[0], Vec::new());
        Workload {
            wishes,
            replies,
            states,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.wishes.len()
    }

    /// The first of these wishes.
    pub(crate) fn first(&self, count: usize) -> Workload {
        Workload {
            wishes: self.wishes[..count].to_vec(),
            replies: self.replies[..count].to_vec(),
            states: self.states[..=count].to_vec(),
        }
    }

    /// The wishes from `from` to at most `end` that can be handed in together: a restore goes alone.
    pub(crate) fn burst(&self, from: usize, end: usize) -> Range<usize> {
        let next = self.wishes[from..end].iter().position(Wish::is_restore);
        match next {
            Some(0) => from..from + 1,
            Some(next) => from..from + next,
            None => from..end,
        }
    }

    /// After how many wishes this is the state, at least `least` and at most `most`.
    ///
    /// # Panics
    /// If it is none of these states.
    pub(crate) fn requests_in(&self, found: &[ExportedApplication], least: usize, most: usize) -> usize {
        let matches = |count: &usize| self.states[*count] == found;
        (least..=most).find(matches).unwrap_or_else(|| {
            let place = (0..self.states.len()).find(matches);
            panic!(
                "the state is not the one after {least} to {most} wishes, but after {place:?}; {} instead of {}",
                outline(found),
                outline(&self.states[least])
            )
        })
    }
}

/// The applications of a state, and how far each is.
pub(crate) fn outline(state: &[ExportedApplication]) -> String {
    let one = |one: &ExportedApplication| {
        let application = &one.application;
        let token = application.token.as_str();
        let deleted = if application.deleted_at.is_some() {
            " deleted"
        } else {
            ""
        };
        format!("{token} at {}{deleted}", application.last_position)
    };
    let applications: Vec<String> = state.iter().map(one).collect();
    format!("[{}]", applications.join(", "))
}

fn wishes(count: usize, seed: u64) -> Vec<Wish> {
    let mut rng = Rng::with_seed(seed);
    let first = [
        keyed(create_application(), 0),
        keyed(create_chat(), 1),
        keyed(create_chat(), 2),
    ];
    let mut wishes: Vec<Wish> = first.into_iter().map(Wish::Request).collect();
    while wishes.len() < count {
        let wish = match rng.u32(0..100) {
            0..5 => next_import(&mut rng),
            5..13 => next_neighbour(&mut rng, &wishes),
            _ => Wish::Request(next_request(&mut rng, &wishes)),
        };
        wishes.push(wish);
    }
    wishes
}

fn next_request(rng: &mut Rng, earlier: &[Wish]) -> Request {
    let number = earlier.len();
    match rng.u32(0..100) {
        0..5 => {
            let keyed = earlier.iter().filter_map(|wish| match wish {
                Wish::Request(request) if request.key.is_some() => Some(request),
                _ => None,
            });
            let keyed: Vec<&Request> = keyed.collect();
            return keyed[rng.usize(0..keyed.len())].clone();
        }
        5..9 => return Request::new(create_chat()),
        9..11 => {
            return Request::new(Command::DeleteChat {
                token: token(),
                chat: rng.u64(2..8),
                if_match: IfMatch::Any,
            });
        }
        _ => {}
    }
    let (chat, message) = (rng.u64(1..5), rng.u64(1..40));
    let command = match rng.u32(0..100) {
        0..10 => Command::CreateMessages {
            token: token(),
            chat,
            messages: (0..rng.usize(2..30))
                .map(|index| content(&format!("{number}/{index}")))
                .collect(),
        },
        10..20 => Command::UpdateMessage(UpdateMessage {
            token: token(),
            chat,
            number: message,
            if_match: if_match(rng),
            body: Some(body(&format!("update {number}"))),
            metadata: MetadataChange::Keep,
        }),
        20..28 => Command::DeleteMessage {
            token: token(),
            chat,
            number: message,
            if_match: if_match(rng),
        },
        28..33 => Command::UpdateChat(UpdateChat {
            token: token(),
            chat,
            if_match: if_match(rng),
            title: Patch::Set(title(&format!("title {number}"))),
            metadata: MetadataChange::Keep,
        }),
        33..38 => create_message(chat, &format!("{number} {}", "long ".repeat(1_000))),
        _ => create_message(chat, &format!("message {number}")),
    };
    if rng.bool() {
        keyed(command, number)
    } else {
        Request::new(command)
    }
}

/// Mostly any version; sometimes one that a thing seldom has, so that the request is refused.
fn if_match(rng: &mut Rng) -> IfMatch {
    if rng.u32(0..4) == 0 {
        IfMatch::OneOf(vec![2])
    } else {
        IfMatch::Any
    }
}

pub(crate) fn keyed(command: Command, number: usize) -> Request {
    Request::keyed(command, IdempotencyKey::new(&format!("key-{number}")).unwrap())
}

pub(crate) fn create_application() -> Command {
    Command::CreateApplication(CreateApplication {
        token: NewToken::Chosen(token()),
        epoch: Epoch::generated([1; 5]),
        name: Name::new("tests", &Limits::default()).unwrap(),
        metadata: None,
    })
}

pub(crate) fn create_chat() -> Command {
    Command::CreateChat(CreateChat {
        token: token(),
        title: Some(title("a chat")),
        metadata: None,
    })
}

pub(crate) fn create_message(chat: u64, text: &str) -> Command {
    let content = content(text);
    Command::CreateMessage {
        token: token(),
        chat,
        content,
    }
}

/// A marker takes no key.
fn set_read(rng: &mut Rng) -> Command {
    Command::SetRead {
        token: token(),
        chat: rng.u64(1..5),
        reader: ReaderName::from(&sender(rng)),
        read: rng.u64(0..40),
    }
}

/// A message whose sender may have a marker.
fn sent_by_reader(rng: &mut Rng) -> Command {
    let content = MessageContent {
        sender: Some(sender(rng)),
        ..MessageContent::clone(&content("sent by a reader"))
    };
    Command::CreateMessage {
        token: token(),
        chat: rng.u64(1..5),
        content: Arc::new(content),
    }
}

fn sender(rng: &mut Rng) -> Sender {
    Sender::new(["ann", "bob"][rng.usize(0..2)], &Limits::default()).unwrap()
}

pub(crate) fn content(text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: body(text),
        sender: None,
        metadata: None,
    })
}

pub(crate) fn body(text: &str) -> Body {
    Body::new(text, &Limits::default()).unwrap()
}

pub(crate) fn title(text: &str) -> Title {
    Title::new(text, &Limits::default()).unwrap()
}
