//! `tiro import`: plain lines in, once and only once, whatever happens on the way.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tiro_client::{Client, Paging};

use crate::support::{Ended, Launch, Tiro, block_on, temp_folder};

/// 14 lines in 4 chats, written by hand: several scripts, equal lines, code, URLs, a line without sender.
const SAMPLE: &str = include_str!("sample.ndjson");
const SAMPLE_LINES: u64 = 14;
const SAMPLE_CHATS: u64 = 4;

/// `tiro import` into this server.
fn import(tiro: &Tiro, arguments: &[&str]) -> Launch {
    Launch::new(["import", "--server", &tiro.address].iter().chain(arguments))
}

fn sample(folder: &Path) -> PathBuf {
    let path = folder.join("sample.ndjson");
    std::fs::write(&path, SAMPLE).unwrap();
    path
}

fn created(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().next().unwrap().to_owned()
}

fn report(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The bodies of all messages of a chat, by number.
async fn bodies(client: &Client, token: &str, chat: u64) -> Vec<String> {
    let mut bodies = Vec::new();
    let mut paging = Paging::after(0).limit(200);
    loop {
        let page = client.messages(token, chat, &paging).await.unwrap();
        bodies.extend(
            page.data
                .into_iter()
                .map(|message| message.body.unwrap().into_owned()),
        );
        match page.next {
            Some(next) => paging = Paging::after(next).limit(200),
            None => return bodies,
        }
    }
}

#[test]
fn the_sample_is_imported_once_however_often_it_is_imported() {
    let folder = temp_folder();
    let file = sample(folder.path());
    let file = file.to_str().unwrap();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);

    let first = import(&tiro, &["--create", "sample", file]).run();
    let token = created(&first);
    assert!(token.starts_with("app_") && token.len() == 30, "{first:?}");
    assert!(
        first
            .stdout
            .contains("14 lines: 4 chats and 14 messages created, 0 unchanged"),
        "{first:?}"
    );

    let again = report(&import(&tiro, &["--application", &token, "--json", file]).run());
    assert_eq!(again["lines"], SAMPLE_LINES);
    assert_eq!(again["unchanged"], SAMPLE_LINES);
    assert_eq!(
        (&again["messages_created"], &again["chats_created"]),
        (&Value::from(0), &Value::from(0))
    );

    block_on(async {
        let client = tiro.client();
        assert_eq!(
            client.application(&token).await.unwrap().value.chats_count,
            SAMPLE_CHATS
        );
        let mut general = bodies(&client, &token, 1).await;
        assert_eq!(general.len(), 6);
        general.retain(|body| body == "ok");
        assert_eq!(general.len(), 3, "equal lines are separate messages");
        let built = client.message(&token, 2, 1).await.unwrap().value;
        assert_eq!(built.metadata.unwrap().get(), r#"{"job":4711,"ok":false}"#);
        assert_eq!(built.created_at.to_string(), "2024-03-01T08:00:00.123Z");
    });
}

#[test]
fn compressed_and_piped_lines_are_the_same_lines() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let compressed = folder.path().join("sample.ndjson.gz");
    let file = std::fs::File::create(&compressed).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, SAMPLE.as_bytes()).unwrap();
    encoder.finish().unwrap();

    let first = import(
        &tiro,
        &["--create", "a", "--source", "s", compressed.to_str().unwrap()],
    )
    .run();
    let token = created(&first);

    let mut piped = import(&tiro, &["--application", &token, "--source", "s", "--json"]).start_with_input();
    piped.input(SAMPLE.as_bytes());
    piped.end_input();
    assert_eq!(report(&piped.wait())["unchanged"], SAMPLE_LINES);
}

#[test]
fn an_import_that_was_killed_is_completed_by_repeating_it() {
    const LINES: u64 = 30_000;
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let lines: Vec<String> = (0..LINES)
        .map(|n| format!("{{\"chat\":\"c{}\",\"body\":\"line {n}\"}}\n", n % 3))
        .collect();
    let (sent, _) = lines.split_at(20_000);

    let create = tiro_client::api::CreateApplication {
        name: "killed",
        metadata: None,
    };
    let client = tiro.client();
    let created = block_on(client.create_application(&create, &tiro_client::Sending::default())).unwrap();
    let token = created.value.token.into_owned();

    let arguments = ["--application", &token, "--source", "s", "--json"];
    let mut killed = import(&tiro, &arguments).start_with_input();
    killed.input(sent.concat().as_bytes());
    block_on(wait_for_chat(&client, &token));
    killed.kill();

    let mut repeated = import(&tiro, &arguments).start_with_input();
    repeated.input(lines.concat().as_bytes());
    repeated.end_input();
    let repeated = report(&repeated.wait());
    assert_eq!(repeated["lines"], LINES);
    let (stored, unchanged) = (&repeated["messages_created"], &repeated["unchanged"]);
    assert_eq!(stored.as_u64().unwrap() + unchanged.as_u64().unwrap(), LINES);
    assert!(unchanged.as_u64().unwrap() > 0, "{repeated}");

    for chat in 1..=3_u64 {
        let bodies = block_on(bodies(&client, &token, chat));
        let expected: Vec<String> = (0..LINES)
            .filter(|n| n % 3 == chat - 1)
            .map(|n| format!("line {n}"))
            .collect();
        assert!(
            bodies == expected,
            "chat {chat} has {} messages, not each once in order",
            bodies.len()
        );
    }
}

/// Asks until the application has a chat with messages: the import has stored something.
async fn wait_for_chat(client: &Client, token: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let page = client.chats(token, &Paging::default()).await.unwrap();
        if page.data.iter().any(|chat| chat.messages_count > 0) {
            return;
        }
        assert!(Instant::now() < deadline, "nothing was stored");
    }
}

#[test]
fn a_bad_line_stops_with_its_number_and_the_lines_before_it_stay() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let file = folder.path().join("bad.ndjson");
    let good = "{\"chat\":\"a\",\"body\":\"one\"}\n{\"chat\":\"a\",\"body\":\"two\"}\n";
    std::fs::write(&file, format!("{good}{{\"chat\":\"a\",\"body\":7}}\n")).unwrap();
    let ended = import(&tiro, &["--create", "bad", file.to_str().unwrap()]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let token = ended.stdout.lines().next().unwrap();
    for said in ["line 3", "--application", token] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(block_on(bodies(&tiro.client(), token, 1)), ["one", "two"]);
}

#[test]
fn files_and_flags_that_do_not_go_together_are_refused_before_anything_is_made() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let plain = sample(folder.path());
    let tiro_lines = folder.path().join("export.ndjson");
    std::fs::write(&tiro_lines, "{\"tiro\":1}\n").unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let missing = folder.path().join("missing");
    for (arguments, file, code, said) in [
        (&[][..], &plain, 2, "--create"),
        (&["--create", "a"], &tiro_lines, 2, "leave out"),
        (&["--create", "a"], &empty, 1, "is empty"),
        (&["--create", "a"], &missing, 1, "missing"),
        (&["--create", "a"], &folder.path().to_owned(), 2, "is a folder"),
    ] {
        let ended = import(&tiro, &[arguments, &[file.to_str().unwrap()]].concat()).run();
        assert_eq!(ended.code, Some(code), "{arguments:?} {file:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let page = block_on(tiro.client().applications(&Paging::default())).unwrap();
    assert!(page.data.is_empty(), "an application was made");
}

#[test]
fn without_the_operator_key_the_flag_is_named() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &["--operator-key", "right"]);
    let file = sample(folder.path());
    let file = file.to_str().unwrap();
    for launch in [
        import(&tiro, &["--create", "a", file]),
        import(&tiro, &["--operator-key", "wrong", "--create", "a", file]),
    ] {
        let ended = launch.run();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("--operator-key"), "{}", ended.stderr);
    }
    let ended = import(&tiro, &["--create", "a", file])
        .env("TIRO_OPERATOR_KEY", "right")
        .run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn an_import_into_a_server_that_froze_gives_up_within_30_seconds() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let create = tiro_client::api::CreateApplication {
        name: "frozen",
        metadata: None,
    };
    let created = block_on(
        tiro.client()
            .create_application(&create, &tiro_client::Sending::default()),
    );
    let token = created.unwrap().value.token.into_owned();
    let file = sample(folder.path());
    tiro.process().freeze();
    let began = Instant::now();
    let ended = import(&tiro, &["--application", &token, file.to_str().unwrap()]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("does not answer any more"),
        "{}",
        ended.stderr
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    tiro.kill();
}
