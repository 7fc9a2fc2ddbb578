//! `tiro export`, and the way back.

use std::fs;
use std::path::Path;

use tiro_client::api::{CreateApplication, CreateChat, CreateMessage, UpdateMessage};
use tiro_client::{Client, Paging, Sending};

use crate::support::{Ended, Launch, Tiro, block_on, temp_folder};

/// The key under which `fill` created message 1.
pub(crate) const KEY_OF_ONE: &str = "key-of-one";

fn export(tiro: &Tiro, arguments: &[&str]) -> Ended {
    Launch::new(["export", "--server", &tiro.address].iter().chain(arguments)).run()
}

fn import(tiro: &Tiro, file: &Path) -> Ended {
    Launch::new(["import", "--server", &tiro.address, file.to_str().unwrap()]).run()
}

/// All that a server has, in this file and as bytes.
pub(crate) fn exported(tiro: &Tiro, file: &Path) -> Vec<u8> {
    let ended = export(tiro, &[file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    fs::read(file).unwrap()
}

/// Brings a file into a server, which must take it.
pub(crate) fn assert_imported(tiro: &Tiro, file: &Path) {
    let ended = import(tiro, file);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// An application with something of everything; its token.
pub(crate) async fn fill(client: &Client, name: &str) -> String {
    let key = Sending::default();
    let created = client
        .create_application(&CreateApplication { name, metadata: None }, &key)
        .await
        .unwrap();
    let token = created.value.token.into_owned();
    for title in ["first", "second"] {
        let chat = CreateChat {
            title: Some(title),
            metadata: None,
        };
        client.create_chat(&token, &chat, &key).await.unwrap();
    }
    for body in ["one", "two", "three", "四"] {
        let message = CreateMessage {
            body,
            sender: Some("ada"),
            metadata: None,
        };
        client
            .create_message(
                &token,
                1,
                &message,
                &Sending::named(format!("key-of-{body}").replace('四', "4")),
            )
            .await
            .unwrap();
    }
    let update = UpdateMessage {
        body: Some("two, edited"),
        metadata: None,
    };
    client.update_message(&token, 1, 2, &update, &key).await.unwrap();
    client.delete_message(&token, 1, 3, &key).await.unwrap();
    client.delete_chat(&token, 2, &key).await.unwrap();
    token
}

#[test]
fn an_export_brought_into_an_empty_tiro_exports_to_the_same_bytes() {
    let folder = temp_folder();
    let first = Tiro::start(&folder.path().join("first"), &[]);
    let (token, deleted) = block_on(async {
        let client = first.client();
        let token = fill(&client, "kept").await;
        let deleted = fill(&client, "deleted").await;
        client
            .delete_application(&deleted, &Sending::default())
            .await
            .unwrap();
        (token, deleted)
    });
    let (file, again) = (
        folder.path().join("all.ndjson"),
        folder.path().join("again.ndjson"),
    );
    let ended = export(&first, &[file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let second = Tiro::start(&folder.path().join("second"), &[]);
    assert_eq!(import(&second, &file).code, Some(0));
    assert_eq!(export(&second, &[again.to_str().unwrap()]).code, Some(0));
    assert!(
        fs::read(&file).unwrap() == fs::read(&again).unwrap(),
        "the second export differs"
    );

    block_on(async {
        let client = second.client();
        let messages = client.messages(&token, 1, &Paging::after(0)).await.unwrap();
        let bodies: Vec<_> = messages
            .data
            .iter()
            .map(|message| message.body.as_deref())
            .collect();
        assert_eq!(bodies, [Some("one"), Some("two, edited"), None, Some("四")]);
        let gone = client.application(&deleted).await.unwrap_err();
        assert_eq!(gone.refusal().unwrap().status, 410);
        let message = CreateMessage {
            body: "one",
            sender: Some("ada"),
            metadata: None,
        };
        let replayed = client
            .create_message(&token, 1, &message, &Sending::named(KEY_OF_ONE))
            .await
            .unwrap();
        assert!(replayed.replayed && replayed.value.number == 1, "keys come along");
    });

    let repeated = import(&second, &file);
    assert_eq!(repeated.code, Some(0), "{repeated:?}");
    assert!(repeated.stdout.contains("0 messages created"), "{repeated:?}");
}

#[test]
fn one_application_is_exported_to_standard_output_and_restored_from_a_file() {
    let folder = temp_folder();
    let first = Tiro::start(&folder.path().join("first"), &[]);
    let (token, other) = block_on(async {
        let client = first.client();
        (fill(&client, "wanted").await, fill(&client, "other").await)
    });
    let ended = export(&first, &["--application", &token]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&token) && !ended.stdout.contains(&other));
    let file = folder.path().join("wanted.ndjson");
    fs::write(&file, &ended.stdout).unwrap();

    let second = Tiro::start(&folder.path().join("second"), &[]);
    assert_eq!(import(&second, &file).code, Some(0));
    let page = block_on(second.client().applications(&Paging::default())).unwrap();
    assert_eq!(page.data.len(), 1);
    assert_eq!(page.data[0].token, token);
}

#[test]
fn a_truncated_export_is_refused_and_leaves_nothing() {
    let folder = temp_folder();
    let first = Tiro::start(&folder.path().join("first"), &[]);
    block_on(fill(&first.client(), "cut"));
    let file = folder.path().join("all.ndjson");
    assert_eq!(export(&first, &[file.to_str().unwrap()]).code, Some(0));
    let whole = fs::read_to_string(&file).unwrap();
    let without_last_line = whole[..whole.len() - 1].rfind('\n').unwrap() + 1;
    fs::write(&file, &whole[..without_last_line]).unwrap();

    let second = Tiro::start(&folder.path().join("second"), &[]);
    let ended = import(&second, &file);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("truncated"), "{}", ended.stderr);
    let page = block_on(second.client().applications(&Paging::default())).unwrap();
    assert!(page.data.is_empty());
}

#[test]
fn a_failed_export_leaves_the_file_as_it_was() {
    let folder = temp_folder();
    let tiro = Tiro::start(&folder.path().join("data"), &[]);
    let file = folder.path().join("backup.ndjson");
    fs::write(&file, "the backup of yesterday").unwrap();
    let ended = export(
        &tiro,
        &["--application", "app_that_nobody_has", file.to_str().unwrap()],
    );
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("application_not_found"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "the backup of yesterday");
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "something was left behind: {names:?}");
}
