//! `tiro verify` and `tiro new-epoch` on a stopped data folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tiro_client::Sending;
use tiro_client::api::{CreateApplication, CreateChat, CreateMessage};

use crate::support::{Ended, Launch, Tiro, block_on, temp_folder};

/// A word that is nowhere but in one message in the middle of the log.
const MARKED: &str = "xylographer-4711";

fn verify(data: &Path, arguments: &[&str]) -> Ended {
    Launch::new(
        ["verify", "--data", data.to_str().unwrap()]
            .iter()
            .chain(arguments),
    )
    .run()
}

/// A stopped data folder with 21 messages; the token.
fn filled(data: &Path) -> String {
    let tiro = Tiro::start(data, &[]);
    let token = block_on(async {
        let (client, key) = (tiro.client(), Sending::default());
        let application = CreateApplication {
            name: "verified",
            metadata: None,
        };
        let token = client
            .create_application(&application, &key)
            .await
            .unwrap()
            .value
            .token
            .into_owned();
        client
            .create_chat(&token, &CreateChat::default(), &key)
            .await
            .unwrap();
        for n in 0..21 {
            let text = if n == 10 {
                MARKED.to_owned()
            } else {
                format!("message {n}")
            };
            let message = CreateMessage {
                body: &text,
                sender: None,
                metadata: None,
            };
            client.create_message(&token, 1, &message, &key).await.unwrap();
        }
        token
    });
    assert_eq!(tiro.stop().code, Some(0));
    token
}

/// Flips one bit of the marked message in the log; the file.
fn damage(data: &Path) -> PathBuf {
    for entry in fs::read_dir(data.join("log")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes
            .windows(MARKED.len())
            .position(|window| window == MARKED.as_bytes())
        {
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            return path;
        }
    }
    panic!("the marked message is in no file of the log");
}

#[test]
fn a_sound_folder_is_found_sound() {
    let folder = temp_folder();
    filled(folder.path());
    let ended = verify(folder.path(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("1 applications, 1 chats, 21 messages"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("documents of the search index"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.ends_with("The data is sound."), "{}", ended.stdout);
    let report: Value = serde_json::from_str(&verify(folder.path(), &["--json"]).stdout).unwrap();
    assert_eq!(
        (&report["sound"], &report["messages"]),
        (&Value::from(true), &Value::from(21))
    );
    let documents = report["index_documents"].as_u64().unwrap();
    assert!(
        (2..=21).contains(&documents),
        "21 messages in {documents} documents"
    );
}

#[test]
fn a_search_index_that_is_gone_is_no_fault_and_a_damaged_one_is_named_with_its_remedy() {
    let folder = temp_folder();
    filled(folder.path());
    let index = folder.path().join("index");
    let list = index.join("meta.json");
    let mut bytes = fs::read(&list).unwrap();
    bytes[20] ^= 1;
    fs::write(&list, bytes).unwrap();
    let damaged = verify(folder.path(), &[]);
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    let remedy = format!("delete the folder {}", index.display());
    assert!(
        damaged.stdout.contains("FOUND: index: ") && damaged.stdout.contains(&remedy),
        "{}",
        damaged.stdout
    );
    fs::remove_dir_all(&index).unwrap();
    let gone = verify(folder.path(), &["--json"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
    let report: Value = serde_json::from_str(&gone.stdout).unwrap();
    let remark = report["remarks"][0].as_str().unwrap();
    assert!(remark.contains("the search index is missing"), "{remark}");
    assert_eq!(report["index_documents"], 0);
}

#[test]
fn a_flipped_bit_is_found_named_and_refused_until_the_loss_is_accepted() {
    let folder = temp_folder();
    let token = filled(folder.path());
    let file = damage(folder.path());
    let name = file.file_name().unwrap().to_str().unwrap();
    let found = verify(folder.path(), &[]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(
        found.stdout.contains(name) && found.stdout.contains("not sound"),
        "{}",
        found.stdout
    );
    let report: Value = serde_json::from_str(&verify(folder.path(), &["--json"]).stdout).unwrap();
    assert_eq!(report["sound"], false);

    // Without the view, the log has to be read from the beginning.
    fs::remove_dir_all(folder.path().join("view")).unwrap();
    let refused = Tiro::command(folder.path(), &[]).run();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for said in [name, "--accept-data-loss"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    let tiro = Tiro::start(folder.path(), &["--accept-data-loss"]);
    let chat = block_on(tiro.client().chat(&token, 1)).unwrap();
    assert_eq!(
        chat.value.last_message_number, 10,
        "everything before the damage stays"
    );
    assert_eq!(tiro.stop().code, Some(0));
    assert_eq!(verify(folder.path(), &[]).code, Some(0));
}

#[test]
fn a_folder_in_use_or_without_data_cannot_be_verified() {
    let folder = temp_folder();
    let missing = folder.path().join("missing");
    for command in ["verify", "new-epoch"] {
        let ended = Launch::new([command, "--data", missing.to_str().unwrap()]).run();
        assert_eq!(ended.code, Some(1), "{command}: {ended:?}");
        assert!(
            ended.stderr.contains("--data") && !missing.exists(),
            "{command}: {}",
            ended.stderr
        );
    }
    let data = folder.path().join("data");
    let tiro = Tiro::start(&data, &[]);
    for command in ["verify", "new-epoch"] {
        let ended = Launch::new([command, "--data", data.to_str().unwrap()]).run();
        assert_eq!(ended.code, Some(1), "{command}: {ended:?}");
        assert!(ended.stderr.contains("in use"), "{command}: {}", ended.stderr);
    }
    assert_eq!(tiro.stop().code, Some(0));
}

#[test]
fn a_new_epoch_changes_every_cursor_and_nothing_else() {
    let folder = temp_folder();
    let token = filled(folder.path());
    let cursor = || {
        let tiro = Tiro::start(folder.path(), &[]);
        let chat = block_on(tiro.client().chat(&token, 1)).unwrap();
        assert_eq!(chat.value.messages_count, 21);
        assert_eq!(tiro.stop().code, Some(0));
        chat.cursor.unwrap()
    };
    let before = cursor();
    let ended = Launch::new(["new-epoch", "--data", folder.path().to_str().unwrap()]).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("1 applications"), "{}", ended.stdout);
    let after = cursor();
    let parts = |cursor: &str| {
        cursor
            .split_once('.')
            .map(|(epoch, at)| (epoch.to_owned(), at.to_owned()))
    };
    let ((old, old_at), (new, new_at)) = (parts(&before).unwrap(), parts(&after).unwrap());
    assert_ne!(old, new);
    assert_eq!(old_at, new_at);
    assert_eq!(verify(folder.path(), &[]).code, Some(0));
}
