//! Holds an engine's answers, and at the end all it knows, against what was expected.

use std::cmp::Reverse;

use tiro_core::{
    Changes, ChangesRequest, Cursor, Engine, Failure, Hit, HitPlace, IfBehind, IfDeleted, Outcome, Page,
    Reply, SearchRequest, Searched, Seen,
};

use super::expectation::{Accepted, Answer, Expectation, ExpectedPage};
use super::shown::{Shown, ShownApplication, ShownChat, ShownEntry, ShownHit, ShownMessage, ShownRead};
use super::wish::{self, Read, Search, Transition, token};
use crate::commands;
use crate::export::read_export;
use crate::holder::{Holder, rejection};
use crate::rebuild::feed_agrees;
use crate::{World, check_export};

/// Plays one step and compares its answer.
pub(crate) async fn step<W: World>(world: &mut W, transition: &Transition, expected: &Answer) {
    match transition {
        Transition::Write(wish, key) => {
            let answer = world.engine().write(wish.request(*key)).await;
            match expected {
                Answer::Accepted(accepted) => reply(answer.expect("it is accepted"), accepted),
                _ => refused(answer, expected),
            }
        }
        Transition::Read(read) => self::read(&*world.engine(), read, expected).await,
        Transition::Reopen => world.reopen().await,
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Failure>, expected: &Answer) {
    let Answer::Refused(reason) = expected else {
        panic!("expected {expected:?}, not {answer:?}")
    };
    assert_eq!(rejection(answer), *reason);
}

fn reply(reply: Reply, expected: &Accepted) {
    let cursor = reply.cursor.as_ref().map(|cursor| cursor.position);
    assert_eq!(
        (cursor, reply.replayed),
        (expected.position, expected.replayed),
        "{expected:?}"
    );
    match (&expected.shown, &reply.outcome) {
        (Shown::MessageOfDeletedChat { number }, Outcome::Message(message)) => {
            assert_eq!((message.number, &message.content), (*number, &None));
            assert!(message.deleted_at.is_some());
        }
        (expected, outcome) => assert_eq!(shown(outcome), *expected),
    }
}

fn shown(outcome: &Outcome) -> Shown {
    match outcome {
        Outcome::Application(application) => Shown::Application(ShownApplication::of(application)),
        Outcome::Chat(chat) => Shown::Chat(ShownChat::of(chat)),
        Outcome::Message(message) => Shown::Message(ShownMessage::of(message)),
        Outcome::Messages { first, count } => Shown::Messages {
            first: *first,
            count: *count,
        },
        Outcome::Deleted => Shown::Deleted,
        Outcome::Read(state) => Shown::Read(ShownRead::of(state)),
        Outcome::ImportedChat { chat, created } => Shown::ImportedChat {
            chat: *chat,
            created: *created,
        },
        Outcome::ImportedMessages { created, unchanged } => Shown::ImportedMessages {
            created: *created,
            unchanged: *unchanged,
        },
        other => panic!("no request of the model is answered {other:?}"),
    }
}

async fn read(engine: &dyn Engine, read: &Read, expected: &Answer) {
    match read {
        Read::Application { app } => {
            let answer = engine
                .application(&token(*app))
                .await
                .map(seen(ShownApplication::of));
            compare(answer, expected, |thing| Answer::Application(thing.0, thing.1));
        }
        Read::Chat { app, chat } => {
            let answer = engine.chat(&token(*app), *chat).await.map(seen(ShownChat::of));
            compare(answer, expected, |thing| Answer::Chat(thing.0, thing.1));
        }
        Read::Message { app, chat, number } => {
            let answer = engine.message(&token(*app), *chat, *number).await;
            compare(answer.map(seen(ShownMessage::of)), expected, |thing| {
                Answer::Message(thing.0, thing.1)
            });
        }
        Read::Chats { app, range } => {
            let answer = engine.chats(&token(*app), *range).await;
            compare(answer.map(page(ShownChat::of)), expected, Answer::Chats);
        }
        Read::ChatsByActivity { app, before, limit } => {
            let answer = engine.chats_by_activity(&token(*app), *before, *limit).await;
            compare(answer.map(page(ShownChat::of)), expected, Answer::Chats);
        }
        Read::Messages { app, chat, range } => {
            let answer = engine.messages(&token(*app), *chat, *range).await;
            compare(answer.map(page(ShownMessage::of)), expected, Answer::Messages);
        }
        Read::Applications { limit } => {
            let Answer::Applications(expected) = expected else {
                panic!("a list of applications is never refused")
            };
            applications(engine, *limit, expected).await;
        }
        Read::LiveChats { app, range } => {
            let answer = engine.live_chats(&token(*app), *range).await;
            compare(answer.map(page(ShownChat::of)), expected, Answer::Chats);
        }
        Read::LiveMessages { app, chat, range } => {
            let answer = engine.live_messages(&token(*app), *chat, *range).await;
            compare(answer.map(page(ShownMessage::of)), expected, Answer::Messages);
        }
        Read::Reader { app, chat, reader } => {
            let reader = commands::reader(&wish::sender(*reader));
            let answer = engine.reader(&token(*app), *chat, &reader).await;
            compare(answer.map(seen(ShownRead::of)), expected, |thing| {
                Answer::Read(thing.0, thing.1)
            });
        }
        Read::UnreadChats {
            app,
            reader,
            after,
            limit,
        } => {
            let reader = commands::reader(&wish::sender(*reader));
            let answer = engine.unread_chats(&token(*app), &reader, *after, *limit).await;
            compare(answer.map(page(ShownRead::of)), expected, Answer::Unread);
        }
        Read::Changes {
            app,
            after,
            limit,
            filter,
        } => {
            let epoch = wish::epoch(*app);
            let request = ChangesRequest {
                token: token(*app),
                after: after.map(|position| Cursor { epoch, position }),
                limit: *limit,
                filter: filter.clone(),
                if_deleted: IfDeleted::Refuse,
            };
            compare(
                engine.changes(request).await.map(changes),
                expected,
                Answer::Changes,
            );
        }
        Read::Search(search) => {
            let answer = walked(engine, search).await;
            compare(answer, expected, |(found, position)| {
                Answer::Found(found, position)
            });
        }
    }
}

/// Walks a search to its end. The order of hits is proven here, since over everything only the engine knows its clock;
/// they are answered by token and position, the highest first.
async fn walked(engine: &dyn Engine, search: &Search) -> Result<(Vec<ShownHit>, Option<u64>), Failure> {
    let scope = search.scope();
    let (mut hits, mut after) = (Vec::new(), None);
    let position = loop {
        let request = SearchRequest {
            scope: scope.clone(),
            query: search.query(),
            after,
            limit: search.limit,
            if_behind: IfBehind::Refuse,
        };
        let page = match engine.search(request).await? {
            Searched::Found(page) => page,
            Searched::Behind(behind) => panic!("all is searched, but it is answered {behind:?}"),
        };
        assert!(page.hits.len() <= search.limit as usize);
        hits.extend(page.hits);
        after = page.next;
        if after.is_none() {
            break page.searched_through.map(position);
        }
    };
    let places: Vec<HitPlace> = hits.iter().map(Hit::place).collect();
    assert!(
        places.is_sorted_by(|one, next| scope.order(one, next).is_lt()),
        "{places:?}"
    );
    hits.sort_by_key(|hit| Reverse((hit.application.clone(), hit.message.created_position)));
    Ok((hits.iter().map(ShownHit::of).collect(), position))
}

/// Compares an answer with the expected one of the same kind, or its refusal with the expected refusal.
fn compare<T: std::fmt::Debug>(answer: Result<T, Failure>, expected: &Answer, kind: fn(T) -> Answer) {
    match (answer, expected) {
        (answer, Answer::Refused(_)) => refused(answer, expected),
        (Ok(found), expected) => assert_eq!(kind(found), *expected),
        (Err(failure), expected) => panic!("expected {expected:?}, not {failure:?}"),
    }
}

fn seen<T, S>(shown: fn(&T) -> S) -> impl Fn(Seen<T>) -> (S, u64) {
    move |seen| (shown(&seen.thing), seen.cursor.position)
}

fn page<T, S>(shown: fn(&T) -> S) -> impl Fn(Page<T>) -> ExpectedPage<S> {
    move |page| ExpectedPage {
        items: page.items.iter().map(shown).collect(),
        next: page.next,
        position: page
            .as_of
            .map(position)
            .expect("a list inside an application stands somewhere"),
    }
}

fn changes(found: Changes) -> ExpectedPage<ShownEntry> {
    assert_eq!(found.has_more, found.next.position < found.as_of.position);
    ExpectedPage {
        items: found.entries.iter().map(ShownEntry::of).collect(),
        next: Some(found.next.position),
        position: found.as_of.position,
    }
}

fn position(cursor: Cursor) -> u64 {
    cursor.position
}

/// Walks the list of applications in pages: every live one once, by creation time and token.
async fn applications(engine: &dyn Engine, limit: u32, expected: &[ShownApplication]) {
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = engine
            .applications(after, limit)
            .await
            .expect("the list is there");
        assert!(page.items.len() <= limit as usize);
        walked.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(walked.is_sorted_by_key(|application| (application.created_at, application.token.clone())));
    let mut found: Vec<ShownApplication> = walked.iter().map(ShownApplication::of).collect();
    found.sort_by(|a, b| a.token.cmp(&b.token));
    assert_eq!(found, expected);
}

/// Compares all that an engine knows: through the lists, and through the export with its invariants.
pub(crate) async fn whole_state(engine: &std::sync::Arc<dyn Engine>, expected: &Expectation) {
    let live = || expected.applications.iter().filter(|(_, one)| !one.deleted);
    let shown: Vec<ShownApplication> = live().map(|(_, one)| one.shown()).collect();
    applications(&**engine, 200, &shown).await;
    for (app, application) in live().map(|(app, application)| (*app, application)) {
        let token = tiro_core::Token::parse(&application.token).expect("it is a token");
        let holder = Holder {
            engine: engine.clone(),
            token,
        };
        feed_agrees(&holder, 7).await;
        let found: Vec<ShownChat> = holder.all_chats().await.iter().map(ShownChat::of).collect();
        let chats: Vec<ShownChat> = application.chats.iter().map(|chat| chat.shown()).collect();
        assert_eq!(found, chats);
        let everything = Read::ChatsByActivity {
            app,
            before: None,
            limit: 200,
        };
        let by_activity = expected.read(&everything).expect("the application is live");
        read(&**engine, &everything, &by_activity).await;
        for (chat, number) in application
            .chats
            .iter()
            .zip(1..)
            .filter(|(chat, _)| !chat.deleted)
        {
            let found: Vec<ShownMessage> = holder
                .all_messages(number)
                .await
                .iter()
                .map(ShownMessage::of)
                .collect();
            let messages: Vec<ShownMessage> = chat.messages.iter().map(|message| message.shown()).collect();
            assert_eq!(found, messages);
        }
    }
    feeds(&**engine, expected).await;
}

async fn feeds(engine: &dyn Engine, expected: &Expectation) {
    let mut exported = read_export(engine, None).await;
    if let Err(broken) = check_export(&exported) {
        panic!("{broken}");
    }
    exported.sort_by(|a, b| a.application.token.cmp(&b.application.token));
    assert_eq!(exported.len(), expected.applications.len());
    for (one, expected) in exported.iter().zip(expected.applications.values()) {
        assert_eq!(one.application.token.as_str(), expected.token);
        let found = one
            .entries
            .iter()
            .map(|entry| super::expectation::Line::of(&entry.change));
        assert_eq!(found.collect::<Vec<_>>(), expected.exported_feed());
    }
}
