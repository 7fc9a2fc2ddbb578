//! `tiro follow`: what it prints, how it goes on, and its exit statuses.

use serde_json::Value;
use tiro_client::{Client, Feed, Sending};

use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Launch, Running, Tiro, block_on, temp_folder};

fn follow(tiro: &Tiro, arguments: &[&str]) -> Running {
    Launch::new(["follow", "--server", &tiro.address].iter().chain(arguments)).start()
}

/// An application with a chat, and the cursor of its beginning.
fn fill(client: &Client) -> (String, String) {
    block_on(async {
        let token = create_application(client).await;
        create_chat(client, &token).await;
        let page = client.changes(&token, &Feed::default(), 1).await.unwrap();
        let beginning = format!("{}.0", page.next.split('.').next().unwrap());
        (token, beginning)
    })
}

#[test]
fn lines_are_printed_as_things_happen_until_the_application_is_deleted() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let (token, beginning) = fill(&client);
    let running = follow(&tiro, &[&token, "--after", &beginning]);
    let has = |wanted: &str| {
        running
            .stdout
            .wait_for_line(&running.stderr, |line| line.ends_with(wanted));
    };
    has("Z  chat.created  1");
    block_on(create_message(&client, &token, 1, "hello\nyou"));
    has("Z  message.created  1/1  -: hello↵you");
    block_on(client.set_read(&token, 1, "ada", 1)).unwrap();
    has("Z  reader.updated  1  ada has read 1, 0 unread");
    block_on(client.delete_application(&token, &Sending::default())).unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 5, "{ended:?}");
    assert!(ended.stderr.contains("was deleted"), "{ended:?}");
}

#[test]
fn json_has_the_entries_and_a_stopped_follower_says_where_to_go_on() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let (token, beginning) = fill(&client);
    let first = follow(&tiro, &[&token, "--after", &beginning, "--json", "--chat", "1"]);
    let line = first
        .stdout
        .wait_for_line(&first.stderr, |line| line.starts_with('{'));
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&entry["type"], &entry["position"]),
        (&"chat.created".into(), &2.into())
    );
    assert_eq!(entry["data"]["number"], 1);
    first.interrupt();
    let ended = first.wait();
    assert_eq!(
        (ended.code, ended.stdout.lines().count()),
        (Some(0), 1),
        "{ended:?}"
    );
    let after = ended.stderr.split("--after ").nth(1).unwrap().trim().to_owned();
    block_on(create_message(&client, &token, 1, "later"));
    let second = follow(
        &tiro,
        &[
            &token,
            "--after",
            &after,
            "--type",
            "message.created,chat.deleted",
        ],
    );
    second
        .stdout
        .wait_for_line(&second.stderr, |line| line.ends_with("1/1  -: later"));
    second.terminate();
    let ended = second.wait();
    assert_eq!(
        (ended.code, ended.stdout.lines().count()),
        (Some(0), 1),
        "{ended:?}"
    );
}

#[test]
fn a_follower_outlives_its_server_and_misses_nothing() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let (token, _) = fill(&tiro.client());
    let host = tiro.host().to_owned();
    let running = follow(&tiro, &[&token]);
    block_on(async {
        // The stream begins with what comes after it is open: so write until something is printed.
        let client = tiro.client();
        for _ in 0..100_000 {
            if running.stdout.so_far().contains("message.created") {
                return;
            }
            create_message(&client, &token, 1, "before").await;
        }
        panic!("nothing is printed: {}", running.stderr.so_far());
    });
    tiro.kill();
    let serve = [
        "serve",
        "--listen",
        &host,
        "--data",
        folder.path().to_str().unwrap(),
    ];
    let tiro = Tiro::launch(Launch::new(serve));
    block_on(create_message(&tiro.client(), &token, 1, "after"));
    running
        .stdout
        .wait_for_line(&running.stderr, |line| line.ends_with(": after"));
    running.terminate();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let numbers: Vec<u64> = ended
        .stdout
        .lines()
        .map(|line| line.split("  ").next().unwrap().parse().unwrap())
        .collect();
    let first = numbers[0];
    assert_eq!(numbers, (first..first + numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_followed_is_said_and_told_by_the_exit_status() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let (token, beginning) = fill(&tiro.client());
    let foreign = format!("a{beginning}");
    for (arguments, code, said) in [
        (vec!["app_aaaaaaaaaaaaaaaaaaaaaaaaaa"], 1, "application_not_found"),
        (vec![&*token, "--after", &foreign[..9]], 2, "cursor"),
        (vec![&*token, "--after", "aaaa.7"], 1, "history_changed"),
    ] {
        let ended = follow(&tiro, &arguments).wait();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    tiro.stop();
}
