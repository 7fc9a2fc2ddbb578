//! A little history for each anomaly, and legal ones that look odd.

mod anomalies;
mod derived;
mod legal;

use super::{
    Anomaly, Answer, ChatShown, History, MessageShown, Operation, Outcome, PageShown, Range, Sent, Shown,
    check,
};

/// Builds histories: every operation ends before the next begins, unless [`Story::during`] says otherwise.
#[derive(Default)]
struct Story {
    history: History,
    time: u64,
}

impl Story {
    /// An application with one chat, "chat", at positions 1 and 2.
    fn with_chat() -> Story {
        let mut story = Story::default();
        story.answered(
            Sent::CreateApplication,
            1,
            Shown::Application(super::ApplicationShown { chats_count: 0 }),
        );
        let create = Sent::CreateChat {
            title: "chat".to_owned(),
        };
        story.answered(create, 2, chat(1, Some("chat"), 0, 0));
        story
    }

    /// And these messages in it, from number 1 and position 3 on.
    fn with_messages(bodies: &[&str]) -> Story {
        let mut story = Story::with_chat();
        for (step, body) in (0..).zip(bodies) {
            story.answered(create(body), 3 + step, message(1 + step, 1, Some(body)));
        }
        story
    }

    fn add(&mut self, sent: Sent, outcome: Outcome) -> &mut Operation {
        let invoked = self.time;
        self.time += 10;
        self.history.operations.push(Operation {
            client: 0,
            sent,
            key: None,
            invoked,
            returned: invoked + 5,
            outcome,
        });
        self.history.operations.last_mut().unwrap()
    }

    fn answered(&mut self, sent: Sent, position: u64, shown: Shown) -> &mut Operation {
        self.add(
            sent,
            Outcome::Acknowledged(Answer {
                position: Some(position),
                replayed: false,
                shown,
            }),
        )
    }

    fn replayed(&mut self, sent: Sent, position: u64, shown: Shown) -> &mut Operation {
        self.add(
            sent,
            Outcome::Acknowledged(Answer {
                position: Some(position),
                replayed: true,
                shown,
            }),
        )
    }

    fn refused(&mut self, sent: Sent, code: &str) -> &mut Operation {
        self.add(sent, Outcome::Refused(code.to_owned()))
    }

    fn unknown(&mut self, sent: Sent) -> &mut Operation {
        self.add(sent, Outcome::Unknown)
    }

    /// Makes the last operation begin as early as the one `steps` before it.
    fn during(&mut self, steps: usize) {
        let operations = &mut self.history.operations;
        let last = operations.len() - 1;
        operations[last].invoked = operations[last - steps].invoked + 1;
    }

    fn anomalies(&self) -> Vec<Anomaly> {
        let mut found: Vec<Anomaly> = check(&self.history).iter().map(|found| found.anomaly).collect();
        found.dedup();
        found
    }

    #[track_caller]
    fn assert_finds(&self, anomaly: Anomaly) {
        let found = check(&self.history);
        let stories: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(
            found.iter().any(|found| found.anomaly == anomaly),
            "found only {}",
            stories.join("\n")
        );
    }

    #[track_caller]
    fn assert_legal(&self) {
        let stories: Vec<String> = check(&self.history).iter().map(ToString::to_string).collect();
        assert!(stories.is_empty(), "{}", stories.join("\n"));
    }
}

fn create(body: &str) -> Sent {
    Sent::CreateMessages {
        chat: 1,
        bodies: vec![body.to_owned()],
    }
}

fn create_batch(bodies: &[&str]) -> Sent {
    Sent::CreateMessages {
        chat: 1,
        bodies: bodies.iter().map(|body| (*body).to_owned()).collect(),
    }
}

fn update(number: u64, body: &str, if_match: Option<u64>) -> Sent {
    Sent::UpdateMessage {
        chat: 1,
        number,
        body: body.to_owned(),
        if_match,
    }
}

fn delete(number: u64) -> Sent {
    Sent::DeleteMessage { chat: 1, number }
}

fn get(number: u64) -> Sent {
    Sent::GetMessage { chat: 1, number }
}

fn list() -> Sent {
    Sent::ListMessages {
        chat: 1,
        range: Range::After { after: 0, limit: 10 },
    }
}

fn shown(number: u64, version: u64, body: Option<&str>) -> MessageShown {
    MessageShown {
        number,
        version,
        body: body.map(str::to_owned),
        deleted: body.is_none(),
    }
}

fn message(number: u64, version: u64, body: Option<&str>) -> Shown {
    Shown::Message(shown(number, version, body))
}

fn page(items: Vec<MessageShown>, next: Option<u64>) -> Shown {
    Shown::Messages(PageShown { items, next })
}

fn chat(version: u64, title: Option<&str>, messages_count: u64, last_message_number: u64) -> Shown {
    Shown::Chat(ChatShown {
        number: 1,
        version,
        title: title.map(str::to_owned),
        deleted: title.is_none(),
        messages_count,
        last_message_number,
    })
}
