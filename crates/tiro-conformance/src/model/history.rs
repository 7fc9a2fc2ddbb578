//! How random histories are made: mostly things that exist, and always some that do not.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;
use tiro_core::{ChangeKind, ChangesFilter, LiveRange, NumberRange};

use super::expectation::{Expectation, ExpectedChat};
use super::wish::{
    APPLICATIONS, Members, MembersPatch, Read, Search, Text, Transition, Versions, Wish, Within,
};

impl ReferenceStateMachine for Expectation {
    type State = Expectation;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Expectation> {
        Just(Expectation::default()).boxed()
    }

    fn transitions(state: &Expectation) -> BoxedStrategy<Transition> {
        let places = Places::of(state);
        let write = |wish: BoxedStrategy<Wish>| {
            let parts = (wish, option::weighted(0.4, 0_u8..12));
            parts.prop_map(|(wish, key)| Transition::Write(wish, key)).boxed()
        };
        if places.applications.is_empty() {
            return write(create_application());
        }
        if places.chats.is_empty() {
            return prop_oneof![6 => write(create_chat(&places)), 1 => write(wish(&places))].boxed();
        }
        let read = read(&places).prop_map(Transition::Read);
        let sent = state.sent.clone();
        let again = if sent.is_empty() {
            write(wish(&places))
        } else {
            let again = select(sent).prop_map(|(wish, key)| Transition::Write(wish, Some(key)));
            again.boxed()
        };
        prop_oneof![30 => write(wish(&places)), 8 => again, 10 => read, 1 => Just(Transition::Reopen)].boxed()
    }

    fn apply(mut state: Expectation, transition: &Transition) -> Expectation {
        state.take(transition);
        state
    }
}

/// What there is to speak to.
struct Places {
    /// Live applications.
    applications: Vec<u8>,
    /// Live chats of live applications.
    chats: Vec<(u8, u64)>,
    /// Messages of live chats, deleted ones too.
    messages: Vec<(u8, u64, u64)>,
    /// What messages of live chats say, or said.
    bodies: Vec<String>,
    /// Just beyond the highest position of any application.
    position_beyond: u64,
}

impl Places {
    fn of(state: &Expectation) -> Places {
        let live = || {
            state
                .applications
                .iter()
                .filter(|(_, application)| !application.deleted)
        };
        let chats = || {
            live().flat_map(|(app, application)| {
                let numbered = (1..).zip(&application.chats).filter(|(_, chat)| !chat.deleted);
                numbered.map(move |(number, chat)| (*app, number, chat))
            })
        };
        let messages = |(app, number, chat): (u8, u64, &ExpectedChat)| {
            let last = chat.messages.len() as u64;
            (1..=last)
                .map(move |message| (app, number, message))
                .collect::<Vec<_>>()
        };
        Places {
            applications: live().map(|(app, _)| *app).collect(),
            chats: chats().map(|(app, number, _)| (app, number)).collect(),
            messages: chats().flat_map(messages).collect(),
            bodies: chats().flat_map(|(_, _, chat)| chat.bodies()).collect(),
            position_beyond: live()
                .map(|(_, application)| application.position())
                .max()
                .unwrap_or(0)
                + 1,
        }
    }

    fn app(&self) -> BoxedStrategy<u8> {
        prop_oneof![15 => select(self.applications.clone()), 1 => 0..APPLICATIONS].boxed()
    }

    fn chat(&self) -> BoxedStrategy<(u8, u64)> {
        let any = (self.app(), 0_u64..6);
        if self.chats.is_empty() {
            return any.boxed();
        }
        prop_oneof![12 => select(self.chats.clone()), 1 => any].boxed()
    }

    fn message(&self) -> BoxedStrategy<(u8, u64, u64)> {
        let any = (self.chat(), 0_u64..20).prop_map(|((app, chat), number)| (app, chat, number));
        if self.messages.is_empty() {
            return any.boxed();
        }
        prop_oneof![12 => select(self.messages.clone()), 1 => any].boxed()
    }
}

fn versions() -> BoxedStrategy<Versions> {
    prop_oneof![4 => Just(None), 2 => vec(1_u64..4, 0..3).prop_map(Some)].boxed()
}

fn members() -> BoxedStrategy<Option<Members>> {
    let some = btree_map(prop::char::range('a', 'd'), 0_u8..10, 0..3);
    option::weighted(0.3, some.prop_map(|members| members.into_iter().collect())).boxed()
}

fn patch() -> BoxedStrategy<MembersPatch> {
    let merge = btree_map(prop::char::range('a', 'd'), option::of(0_u8..10), 0..3);
    prop_oneof![
        4 => Just(MembersPatch::Keep),
        1 => Just(MembersPatch::Clear),
        4 => merge.prop_map(|members| MembersPatch::Merge(members.into_iter().collect())),
    ]
    .boxed()
}

fn text() -> BoxedStrategy<Text> {
    let parts = (0_u8..50, option::of(0_u8..3), members());
    parts
        .prop_map(|(body, sender, members)| Text {
            body,
            sender,
            members,
        })
        .boxed()
}

fn create_application() -> BoxedStrategy<Wish> {
    let parts = (0..APPLICATIONS, 0_u8..5, members());
    parts
        .prop_map(|(app, name, members)| Wish::CreateApplication { app, name, members })
        .boxed()
}

fn create_chat(places: &Places) -> BoxedStrategy<Wish> {
    let parts = (places.app(), option::of(0_u8..9), members());
    parts
        .prop_map(|(app, title, members)| Wish::CreateChat { app, title, members })
        .boxed()
}

fn wish(places: &Places) -> BoxedStrategy<Wish> {
    prop_oneof![
        4 => of_applications(places),
        10 => of_chats(places),
        30 => of_messages(places),
        6 => of_imports(places),
    ]
    .boxed()
}

fn of_applications(places: &Places) -> BoxedStrategy<Wish> {
    let update =
        (places.app(), versions(), option::of(0_u8..5), patch()).prop_map(|(app, versions, name, patch)| {
            Wish::UpdateApplication {
                app,
                versions,
                name,
                patch,
            }
        });
    let delete =
        (places.app(), versions()).prop_map(|(app, versions)| Wish::DeleteApplication { app, versions });
    prop_oneof![8 => create_application(), 12 => update, 1 => delete].boxed()
}

fn of_chats(places: &Places) -> BoxedStrategy<Wish> {
    let title = option::of(option::of(0_u8..9));
    let update =
        (places.chat(), versions(), title, patch()).prop_map(|((app, chat), versions, title, patch)| {
            Wish::UpdateChat {
                app,
                chat,
                versions,
                title,
                patch,
            }
        });
    let delete = (places.chat(), versions()).prop_map(|((app, chat), versions)| Wish::DeleteChat {
        app,
        chat,
        versions,
    });
    prop_oneof![8 => create_chat(places), 8 => update, 3 => delete].boxed()
}

fn of_messages(places: &Places) -> BoxedStrategy<Wish> {
    let send = (places.chat(), text()).prop_map(|((app, chat), text)| Wish::Send { app, chat, text });
    let batch = (places.chat(), vec(text(), 1..5)).prop_map(|((app, chat), texts)| Wish::SendBatch {
        app,
        chat,
        texts,
    });
    let update = (places.message(), versions(), option::of(0_u8..50), patch()).prop_map(
        |((app, chat, number), versions, body, patch)| Wish::UpdateMessage {
            app,
            chat,
            number,
            versions,
            body,
            patch,
        },
    );
    let delete =
        (places.message(), versions()).prop_map(|((app, chat, number), versions)| Wish::DeleteMessage {
            app,
            chat,
            number,
            versions,
        });
    let read = (places.message(), 0_u8..3, -1_i64..2).prop_map(|((app, chat, number), reader, step)| {
        let read = number.saturating_add_signed(step);
        Wish::SetRead {
            app,
            chat,
            reader,
            read,
        }
    });
    prop_oneof![10 => send, 5 => batch, 8 => update, 7 => delete, 6 => read].boxed()
}

fn of_imports(places: &Places) -> BoxedStrategy<Wish> {
    let chat = (places.app(), 0_u8..9).prop_map(|(app, title)| Wish::ImportChat { app, title });
    let from_to = (0_u8..12, 1_u8..6, option::weighted(0.1, 0_u8..6));
    let lines = (places.chat(), from_to).prop_map(|((app, chat), (from, count, changed))| {
        let line = |step| (from + step, changed == Some(step));
        Wish::ImportLines {
            app,
            chat,
            lines: (0..count).map(line).collect(),
        }
    });
    prop_oneof![1 => chat, 2 => lines].boxed()
}

fn range() -> BoxedStrategy<NumberRange> {
    let place = || prop_oneof![8 => 0_u64..20, 1 => Just(u64::MAX)];
    prop_oneof![
        3 => (place(), option::of(place()), 1_u32..6)
            .prop_map(|(after, before, limit)| NumberRange::After { after, before, limit }),
        2 => (place(), 1_u32..6).prop_map(|(before, limit)| NumberRange::Before { before, limit }),
        1 => (1_u32..6).prop_map(|limit| NumberRange::Last { limit }),
    ]
    .boxed()
}

/// Parts of bodies that there are, mostly; of those of one message or of two.
fn search(places: &Places) -> BoxedStrategy<Search> {
    let within = prop_oneof![
        3 => places.chat().prop_map(|(app, chat)| Within::Chat { app, chat }),
        3 => places.app().prop_map(|app| Within::Application { app }),
        2 => Just(Within::Everything),
    ];
    let mut bodies = places.bodies.clone();
    bodies.push("body 7".into());
    let part = || {
        let cut = (select(bodies.clone()), any::<prop::sample::Index>(), 1_usize..=8);
        cut.prop_map(|(body, start, length)| part(&body, start.index(body.chars().count()), length))
    };
    let query = (part(), option::weighted(0.3, part())).prop_map(|(one, other)| match other {
        Some(other) => format!("{one} {other}"),
        None => one,
    });
    (within, query, 1_u32..8)
        .prop_map(|(within, query, limit)| Search { within, query, limit })
        .boxed()
}

/// Some neighbouring characters of a body as one term; a space alone would ask for nothing.
fn part(body: &str, start: usize, length: usize) -> String {
    let part: String = body.chars().skip(start).take(length).collect();
    if part.trim().is_empty() {
        "o".into()
    } else {
        format!("\"{part}\"")
    }
}

fn live_range() -> BoxedStrategy<LiveRange> {
    let skip = prop_oneof![8 => 0_u64..20, 1 => Just(u64::MAX)];
    (skip, 1_u32..6)
        .prop_map(|(skip, limit)| LiveRange { skip, limit })
        .boxed()
}

fn filter() -> BoxedStrategy<ChangesFilter> {
    const KINDS: [ChangeKind; 5] = [
        ChangeKind::ApplicationUpdated,
        ChangeKind::ChatDeleted,
        ChangeKind::MessageCreated,
        ChangeKind::MessageDeleted,
        ChangeKind::ReaderUpdated,
    ];
    let parts = (
        option::weighted(0.3, vec(0_u64..5, 0..3)),
        option::weighted(0.3, vec(select(&KINDS[..]), 0..3)),
    );
    parts
        .prop_map(|(chats, kinds)| ChangesFilter { chats, kinds })
        .boxed()
}

fn read(places: &Places) -> BoxedStrategy<Read> {
    prop_oneof![of_lists(places), of_feeds(places)].boxed()
}

fn of_feeds(places: &Places) -> BoxedStrategy<Read> {
    prop_oneof![
        2 => (places.app(), live_range()).prop_map(|(app, range)| Read::LiveChats { app, range }),
        2 => (places.chat(), live_range()).prop_map(|((app, chat), range)| Read::LiveMessages { app, chat, range }),
        3 => (places.chat(), 0_u8..3).prop_map(|((app, chat), reader)| Read::Reader { app, chat, reader }),
        3 => (places.app(), 0_u8..3, 0_u64..4, 1_u32..4)
            .prop_map(|(app, reader, after, limit)| Read::UnreadChats { app, reader, after, limit }),
        6 => (places.app(), option::of(0..=places.position_beyond), 1_u32..9, filter())
            .prop_map(|(app, after, limit, filter)| Read::Changes { app, after, limit, filter }),
    ]
    .boxed()
}

fn of_lists(places: &Places) -> BoxedStrategy<Read> {
    prop_oneof![
        1 => places.app().prop_map(|app| Read::Application { app }),
        1 => (1_u32..4).prop_map(|limit| Read::Applications { limit }),
        1 => places.chat().prop_map(|(app, chat)| Read::Chat { app, chat }),
        2 => (places.app(), range()).prop_map(|(app, range)| Read::Chats { app, range }),
        2 => (places.app(), option::of(0..=places.position_beyond), 1_u32..5)
            .prop_map(|(app, before, limit)| Read::ChatsByActivity { app, before, limit }),
        1 => places.message().prop_map(|(app, chat, number)| Read::Message { app, chat, number }),
        4 => (places.chat(), range()).prop_map(|((app, chat), range)| Read::Messages { app, chat, range }),
        6 => search(places).prop_map(Read::Search),
    ]
    .boxed()
}
