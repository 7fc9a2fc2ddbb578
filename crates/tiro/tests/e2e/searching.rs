//! `tiro search`: what it prints, and its exit statuses.

use serde_json::Value;
use tiro_client::api::CreateMessage;
use tiro_client::{Client, Sending};

use crate::requests::{create_application, create_chat, create_message, create_numbered_messages};
use crate::support::{Ended, Launch, Tiro, block_on, temp_folder};

fn search(tiro: &Tiro, arguments: &[&str]) -> Ended {
    Launch::new(["search", "--server", &tiro.address].iter().chain(arguments)).run()
}

/// An application with two chats in which something was said; its token.
async fn fill(client: &Client) -> String {
    let token = create_application(client).await;
    let (first, second) = (
        create_chat(client, &token).await,
        create_chat(client, &token).await,
    );
    create_message(client, &token, first, "The parcel is late").await;
    let message = CreateMessage {
        body: "Late?\nWhich PÂRCEL?",
        sender: Some("ada"),
        metadata: None,
    };
    client
        .create_message(&token, second, &message, &Sending::default())
        .await
        .unwrap();
    token
}

#[test]
fn each_scope_prints_a_line_for_each_hit_newest_first() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = block_on(fill(&tiro.client()));
    let ended = search(&tiro, &["--application", &token, "late", "parcel"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [newest, oldest] = lines.as_slice() else {
        panic!("not two hits: {ended:?}");
    };
    assert!(
        newest.starts_with("2/1  ada  20") && newest.ends_with("Z  Late?↵Which PÂRCEL?"),
        "{newest}"
    );
    assert!(
        oldest.starts_with("1/1  -  20") && oldest.ends_with("Z  The parcel is late"),
        "{oldest}"
    );
    assert!(
        !ended.stdout.contains('\x1b'),
        "colours are for terminals: {ended:?}"
    );

    let ended = search(&tiro, &["--application", &token, "--chat", "1", "late parcel"]);
    assert_eq!(
        (ended.code, ended.stdout.lines().count()),
        (Some(0), 1),
        "{ended:?}"
    );
    let everything = search(&tiro, &["parcel"]);
    assert_eq!(everything.code, Some(0), "{everything:?}");
    let named = format!("{token}  2/1  ada  ");
    assert!(everything.stdout.starts_with(&named), "{everything:?}");
    let phrase = search(&tiro, &["--application", &token, "\"late parcel\""]);
    assert_eq!(phrase.code, Some(1), "{phrase:?}");
}

#[test]
fn finding_nothing_is_1_and_a_query_that_asks_for_nothing_is_2() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = block_on(fill(&tiro.client()));
    let nothing = search(&tiro, &["--application", &token, "no such text"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing.stdout.is_empty() && nothing.stderr.contains("Nothing was found"),
        "{nothing:?}"
    );
    for wrong in ["", "\"\"", &"x".repeat(513), &"x ".repeat(17)] {
        let ended = search(&tiro, &["--application", &token, wrong]);
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:?}");
        assert!(
            ended.stderr.contains("`q`") && ended.stdout.is_empty(),
            "{ended:?}"
        );
    }
    let unknown = search(&tiro, &["--application", "app_that_nobody_has", "parcel"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("application_not_found"), "{unknown:?}");
}

#[test]
fn as_many_hits_are_printed_as_were_asked_for_across_pages() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = block_on(async {
        let client = tiro.client();
        let token = create_application(&client).await;
        let chat = create_chat(&client, &token).await;
        create_numbered_messages(&client, &token, chat, 449).await;
        create_message(&client, &token, chat, "4, the newest").await;
        token
    });
    let numbered = (1..450_u32).filter(|number| number.to_string().contains('4'));
    let fours = numbered.count() + 1;
    for (arguments, printed) in [
        (&["4"][..], 50),
        (&["--limit", "3", "4"], 3),
        (&["--limit", "100", "4"], 100),
        (&["--limit", "999", "4"], fours),
        (&["--all", "4"], fours),
    ] {
        let ended = search(&tiro, &[&["--application", &*token][..], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), printed, "{arguments:?}");
        assert!(ended.stdout.starts_with("1/450  "), "{arguments:?}");
        assert_eq!(
            ended.stderr.contains("--all"),
            printed < fours,
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn json_has_the_exact_texts_one_hit_a_line() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let body = "needle\n\u{1b}[2J \u{9b}31m \u{202e}👋🏽 \"needle\"";
    let token = block_on(async {
        let client = tiro.client();
        let token = create_application(&client).await;
        let chat = create_chat(&client, &token).await;
        create_message(&client, &token, chat, body).await;
        create_message(&client, &token, chat, "another needle").await;
        token
    });
    let ended = search(&tiro, &["--json", "--application", &token, "needle"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let hits: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(hits.len(), 2);
    assert_eq!(
        (&hits[1]["application"], &hits[1]["chat"]),
        (&token.into(), &1.into())
    );
    assert_eq!(hits[1]["message"]["body"], body);
    assert_eq!(
        hits[1]["highlights"][0],
        serde_json::json!({"start": 0, "end": 6})
    );
    for printed in [ended, search(&tiro, &["needle"])] {
        let steers =
            |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!printed.stdout.contains(steers), "{:?}", printed.stdout);
    }
}

#[test]
fn everything_takes_the_operator_key_and_one_application_its_token() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &["--operator-key", "the-key-of-the-operator"]);
    let token = block_on(fill(&tiro.client_with(Some("the-key-of-the-operator"))));
    let stranger = search(&tiro, &["parcel"]);
    assert_eq!(stranger.code, Some(1), "{stranger:?}");
    assert!(stranger.stderr.contains("--operator-key"), "{stranger:?}");
    assert_eq!(search(&tiro, &["--application", &token, "parcel"]).code, Some(0));
    let operator = search(&tiro, &["--operator-key", "the-key-of-the-operator", "parcel"]);
    assert_eq!(
        (operator.code, operator.stdout.lines().count()),
        (Some(0), 2),
        "{operator:?}"
    );
}

#[test]
fn every_flag_of_a_search_may_be_a_variable() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = block_on(fill(&tiro.client()));
    let ended = Launch::new(["search", "parcel"])
        .env("TIRO_SERVER", &tiro.address)
        .env("TIRO_APPLICATION", &token)
        .env("TIRO_CHAT", "1")
        .env("TIRO_LIMIT", "1")
        .env("TIRO_JSON", "true")
        .run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let hit: Value = serde_json::from_str(ended.stdout.trim()).unwrap();
    assert_eq!((&hit["chat"], &hit["message"]["number"]), (&1.into(), &1.into()));
}
