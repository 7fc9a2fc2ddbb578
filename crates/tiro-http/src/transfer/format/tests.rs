//! What is written reads back the same, and what was changed does not.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tiro_core::{
    Action, Application, ApplicationId, Body, Change, Chat, Entry, Epoch, Fingerprint, IdempotencyKey,
    KeyBinding, KeyName, Limits, Message, MessageContent, Metadata, Name, Namespace, ReadState, ReaderName,
    Sender, Stage, Subject, Thing, Timestamp, Title, Token,
};

use super::*;

const ID: ApplicationId = ApplicationId(7);

fn application(last_position: u64) -> Application {
    Application {
        id: ID,
        token: Token::parse("app_abcdefghijklmnop").unwrap(),
        epoch: Epoch::parse("abc234").unwrap(),
        stage: Stage::Ready,
        name: Some(Name::stored("a \u{1f600} name")),
        metadata: Some(Metadata::stored("{\"n\":1.50e+1,\"\\u0061\":[]}")),
        chats_count: 3,
        last_chat_number: 0,
        last_position,
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MAX,
        deleted_at: None,
        version: 1,
    }
}

fn time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis()).prop_map(Timestamp::from_millis)
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,20}[a-z\u{4e16}\"\\\\\u{7f}][^\\x00]{0,20}"
}

fn metadata() -> impl Strategy<Value = Option<Metadata>> {
    option::of(prop_oneof![
        Just(Metadata::stored("{}")),
        Just(Metadata::stored("{\"b\":1E5,\"a\":{\"\\ud83d\\ude00\":null}}")),
        (0..1_000_u32).prop_map(|n| Metadata::stored(&format!("{{\"k\":\"{n}\\/\"}}"))),
    ])
}

fn binding() -> impl Strategy<Value = Option<Arc<KeyBinding>>> {
    let namespace = prop_oneof![
        Just(Namespace::Server),
        Just(Namespace::Application),
        Just(Namespace::Import)
    ];
    let binding = (namespace, "[!-~]{1,40}", any::<[u8; 32]>(), option::of(time()));
    option::of(binding.prop_map(|(namespace, key, fingerprint, created_at)| {
        Arc::new(KeyBinding {
            name: KeyName {
                namespace,
                key: IdempotencyKey::stored(&key),
            },
            fingerprint: Fingerprint(fingerprint),
            created_at,
        })
    }))
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Created),
        Just(Action::Updated),
        Just(Action::Deleted)
    ]
}

/// A message; `deleted_at` and content exclude each other.
fn message(number: u64, position: u64) -> impl Strategy<Value = Message> {
    let content = (text(), option::of(text()), metadata());
    let state = prop_oneof![content.prop_map(Ok), time().prop_map(Err)];
    (state, time(), time(), 1..9_u64).prop_map(move |(state, created_at, updated_at, version)| {
        let (content, deleted_at) = match state {
            Ok((body, sender, metadata)) => {
                let content = MessageContent {
                    body: Body::stored(&body),
                    sender: sender.as_deref().map(Sender::stored),
                    metadata,
                };
                (Some(Arc::new(content)), None)
            }
            Err(deleted_at) => (None, Some(deleted_at)),
        };
        Message {
            number,
            content,
            created_at,
            updated_at,
            deleted_at,
            version,
            created_position: position,
        }
    })
}

fn chat(number: u64, position: u64) -> impl Strategy<Value = Chat> {
    let counts = (any::<u64>(), any::<u64>(), option::of(time()));
    let times = (time(), time());
    (option::of(text()), metadata(), counts, times, any::<bool>()).prop_map(
        move |(title, metadata, (messages_count, last_message_number, last_message_at), times, live)| Chat {
            number,
            title: title.filter(|_| live).as_deref().map(Title::stored),
            metadata: metadata.filter(|_| live),
            messages_count,
            last_message_number,
            last_message_at,
            created_at: times.0,
            updated_at: times.1,
            deleted_at: (!live).then_some(times.1),
            version: 2,
            activity_position: position,
            markers_count: 0,
            change_position: position,
        },
    )
}

/// A marker; its version is that of the entry.
fn of_reader() -> impl Strategy<Value = (Subject, Option<Thing>)> {
    (1..u64::MAX, text(), option::of(any::<(u64, u64)>())).prop_map(|(chat, reader, numbers)| {
        let reader = ReaderName::stored(&reader);
        let state = numbers.map(|(read, unread)| ReadState {
            reader: reader.clone(),
            chat,
            read,
            unread,
            version: 0,
        });
        (Subject::Reader { chat, reader }, state.map(Thing::Reader))
    })
}

/// An entry at a position of a feed that ends at `last`.
fn entry(position: u64, last: u64) -> impl Strategy<Value = Entry> {
    let number = 1..u64::MAX;
    let of_application = option::of(Just(Thing::Application(application(last))))
        .prop_map(|thing| (Subject::Application, thing));
    let of_chat = number.clone().prop_flat_map(move |number| {
        option::of(chat(number, position).prop_map(Thing::Chat))
            .prop_map(move |thing| (Subject::Chat { chat: number }, thing))
    });
    let of_message = (number.clone(), number).prop_flat_map(move |(chat, number)| {
        option::of(message(number, position).prop_map(Thing::Message))
            .prop_map(move |thing| (Subject::Message { chat, number }, thing))
    });
    let subject = prop_oneof![1 => of_application, 2 => of_chat, 5 => of_message, 2 => of_reader()];
    (subject, action(), time(), any::<u64>(), binding()).prop_map(
        move |((subject, mut thing), mut action, at, version, key)| {
            if let Subject::Reader { .. } = subject {
                action = Action::Updated;
            }
            if let Some(Thing::Reader(state)) = &mut thing {
                state.version = version;
            }
            let change = Change {
                position,
                at,
                subject,
                action,
                version,
                key,
            };
            Entry { change, thing }
        },
    )
}

fn feed() -> impl Strategy<Value = Vec<Entry>> {
    (1..6_u64).prop_flat_map(|last| {
        (1..=last)
            .map(|position| entry(position, last))
            .collect::<Vec<_>>()
    })
}

fn lines(feed: &[Entry], after: After) -> Vec<u8> {
    let (last, before) = feed.split_last().unwrap();
    let mut out = Vec::new();
    let mut writer = EntryWriter::begin(&application(last.change.position), &mut out);
    for entry in before {
        assert!(!writer.is_last(entry));
        writer.entry(entry, &mut out).unwrap();
    }
    assert!(writer.is_last(last));
    writer.end(last, after, &mut out).unwrap();
    out
}

fn read(bytes: &[u8]) -> Result<(Vec<Entry>, Option<After>), LineFault> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap();
    let header = Header::parse(first)?;
    let mut reader = EntryReader::new(&header, first, ID);
    let mut entries = Vec::new();
    let mut end = None;
    for line in lines {
        let read = reader.read(line, &Limits::default())?;
        entries.push(read.entry);
        end = read.end;
    }
    Ok((entries, end))
}

proptest! {
    #[test]
    fn a_feed_reads_back_as_it_was_written(feed in feed(), more in any::<bool>()) {
        let after = if more { After::Application } else { After::End };
        let bytes = lines(&feed, after);
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), feed.len() + 1);
        let (entries, end) = read(&bytes).unwrap();
        prop_assert_eq!(&entries, &feed);
        prop_assert_eq!(end, Some(after));
        prop_assert_eq!(lines(&entries, after), bytes);
    }

    #[test]
    fn a_feed_with_one_changed_byte_is_refused(feed in feed(), at in any::<prop::sample::Index>(), byte in 32..127_u8) {
        let mut bytes = lines(&feed, After::End);
        let at = at.index(bytes.len() - 1);
        prop_assume!(bytes[at] != byte && bytes[at] != b'\n');
        bytes[at] = byte;
        let complete = read(&bytes).map(|(_, end)| end.is_some());
        prop_assert_ne!(complete, Ok(true));
    }

    #[test]
    fn a_feed_without_one_of_its_lines_is_refused(feed in feed(), at in any::<prop::sample::Index>()) {
        let bytes = lines(&feed, After::End);
        let all: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let gone = at.index(all.len() - 1) + 1;
        let kept: Vec<&[u8]> = all.iter().enumerate().filter(|(n, _)| *n != gone).map(|(_, line)| *line).collect();
        let complete = read(&kept.concat()).map(|(_, end)| end.is_some());
        prop_assert_ne!(complete, Ok(true));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _kind = LineKind::of(&bytes);
        prop_assert!(Header::parse(&bytes).is_err());
        prop_assert!(PlainLine::parse(&bytes, &Limits::default()).is_err());
    }
}

#[test]
fn the_format_is_pinned() {
    let entry = Entry {
        change: Change {
            position: 2,
            at: Timestamp::from_millis(0),
            subject: Subject::Message { chat: 1, number: 1 },
            action: Action::Created,
            version: 1,
            key: Some(Arc::new(KeyBinding {
                name: KeyName {
                    namespace: Namespace::Import,
                    key: IdempotencyKey::stored("k"),
                },
                fingerprint: Fingerprint([0xab; 32]),
                created_at: None,
            })),
        },
        thing: Some(Thing::Message(Message {
            number: 1,
            content: Some(Arc::new(MessageContent {
                body: Body::stored("h\u{e9}\n"),
                sender: None,
                metadata: Some(Metadata::stored("{\"a\":1.0}")),
            })),
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(2),
            deleted_at: None,
            version: 1,
            created_position: 2,
        })),
    };
    let ab = "ab".repeat(32);
    let before = format!(
        "{{\"tiro\":1,\"token\":\"app_abcdefghijklmnop\",\"epoch\":\"abc234\",\"last_position\":2}}\n\
         {{\"position\":2,\"type\":\"message.created\",\"at\":\"1970-01-01T00:00:00.000Z\",\"chat\":1,\"number\":1,\
         \"version\":1,\"data\":{{\"number\":1,\"body\":\"h\u{e9}\\n\",\"sender\":null,\"metadata\":{{\"a\":1.0}},\
         \"created_at\":\"1970-01-01T00:00:00.001Z\",\"updated_at\":\"1970-01-01T00:00:00.002Z\",\"deleted_at\":null,\
         \"version\":1}},\"key\":{{\"namespace\":\"import\",\"key\":\"k\",\"fingerprint\":\"{ab}\"}},\
         \"end\":{{\"more\":false"
    );
    let digest = {
        use sha2::Digest;
        hex::written(&sha2::Sha256::digest(&before).into())
    };
    let written = String::from_utf8(lines(&[entry], After::End)).unwrap();
    assert_eq!(written, format!("{before},\"sha256\":\"{digest}\"}}}}\n"));
}

#[test]
fn headers_that_no_export_writes_are_refused() {
    let line = |format: &str, token: &str, epoch: &str, last: &str| {
        format!("{{\"tiro\":{format},\"token\":\"{token}\",\"epoch\":\"{epoch}\",\"last_position\":{last}}}")
    };
    let token = "app_abcdefghijklmnop";
    assert!(Header::parse(line("1", token, "a", "1").as_bytes()).is_ok());
    assert_eq!(
        Header::parse(line("2", token, "a", "1").as_bytes()),
        Err(LineFault::Format(2))
    );
    for wrong in [
        line("1", "short", "a", "1"),
        line("1", token, "A", "1"),
        line("1", token, "a", "0"),
        line("1", token, "a", "-1"),
        line("\"1\"", token, "a", "1"),
        line("1", token, "a", "1").replace('}', ",\"x\":1}"),
        "{\"position\":1}".to_owned(),
    ] {
        assert!(Header::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_first_line_tells_tiro_lines_from_plain_ones() {
    assert_eq!(LineKind::of(b"{\"tiro\":1}"), Ok(LineKind::Tiro));
    assert_eq!(
        LineKind::of(b" {\"chat\":\"tiro\",\"body\":\"b\"}"),
        Ok(LineKind::Plain)
    );
    assert!(matches!(LineKind::of(b"{\"chat\":"), Err(LineFault::NotJson(_))));
    assert!(matches!(LineKind::of(b"[1]"), Err(LineFault::Shape(_))));
}

#[test]
fn plain_lines_name_what_is_wrong_with_them() {
    let limits = Limits::default();
    let parse = |line: &str| PlainLine::parse(line.as_bytes(), &limits);
    let line = parse(
        r#"{"chat":"c","sender":null,"at":"2004-12-25T10:14:00+01:00","body":"b","metadata":{ "a":1 }}"#,
    )
    .unwrap();
    assert_eq!(line.at, Some(Timestamp::from_millis(1_103_966_040_000)));
    assert_eq!(line.content.metadata.unwrap().as_str(), "{\"a\":1}");
    assert_eq!(parse(r#"{"body":"b"}"#), Err(LineFault::Missing("chat")));
    assert_eq!(
        parse(r#"{"chat":"c","body":null}"#),
        Err(LineFault::Missing("body"))
    );
    assert_eq!(
        parse(r#"{"chat":"c","body":"b","at":"today"}"#),
        Err(LineFault::NotATime("at"))
    );
    assert!(
        matches!(parse(r#"{"chat":"c","body":"b","x":1}"#), Err(LineFault::Shape(text)) if text.contains("`x`"))
    );
    assert!(matches!(
        parse(r#"{"chat":"c","body":1}"#),
        Err(LineFault::Shape(_))
    ));
    assert!(matches!(
        parse(r#"{"chat":"c","body":"b","body":"c"}"#),
        Err(LineFault::Shape(_))
    ));
    for wrong in [
        &b"{\"chat\":\"c\",\"body\":\"\xff\"}"[..],
        b"{\"chat\":\"c\",\"body\":\"b\",\"metadata\":{\"a\":\"\xff\"}}",
        b"{\"chat\":\"c\",\"body\":\"\\ud83d\"}",
    ] {
        assert!(matches!(
            PlainLine::parse(wrong, &limits),
            Err(LineFault::NotJson(_))
        ));
    }
    for (line, member) in [
        (r#"{"chat":" ","body":"b"}"#, "chat"),
        (r#"{"chat":"c","body":"\u0000"}"#, "body"),
        (r#"{"chat":"c","body":"b","sender":""}"#, "sender"),
        (r#"{"chat":"c","body":"b","metadata":[]}"#, "metadata"),
        (r#"{"chat":"c","body":"b","metadata":{"a":1,"a":1}}"#, "metadata"),
    ] {
        assert!(
            matches!(parse(line), Err(LineFault::Value { member: found, .. }) if found == member),
            "{line}"
        );
    }
}
