//! Importing other people's chat and moving applications: complete, in order, repeatable, also after a kill.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use serde::Deserialize;
use tiro_client::{Client, Paging};
use tiro_conformance::generator::Generator;

use super::until;
use crate::exporting::exported;
use crate::requests::{create_application, list_messages};
use crate::support::{Launch, Running, Tiro, temp_folder};

const CORPUS_FILE: &str = "ubuntu-irc.ndjson.gz";
const GENERATED_CHATS: usize = 12;
/// A third of it is more than an import reads before it stores (8,192 lines).
const GENERATED_LINES: usize = 60_000;
const SOURCE: &str = "the-source";

/// A file of plain lines and what must come of it.
struct Lines {
    ndjson: Vec<u8>,
    /// The bodies of each chat in the order of the file.
    chats: BTreeMap<String, Vec<String>>,
    lines: usize,
}

#[derive(Deserialize)]
struct PlainLine {
    chat: String,
    body: String,
}

impl Lines {
    /// The real chat if `TIRO_CORPUS` names its folder, else generated chat.
    fn find() -> Lines {
        let ndjson = match std::env::var_os("TIRO_CORPUS") {
            Some(folder) => {
                let file = Path::new(&folder).join(CORPUS_FILE);
                println!("importing {}", file.display());
                let mut ndjson = Vec::new();
                let file = std::fs::File::open(file).unwrap();
                flate2::read::GzDecoder::new(file)
                    .read_to_end(&mut ndjson)
                    .unwrap();
                ndjson
            }
            None => generated(),
        };
        Lines::of(ndjson)
    }

    fn of(ndjson: Vec<u8>) -> Lines {
        let mut chats: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut lines = 0;
        for line in serde_json::Deserializer::from_slice(&ndjson).into_iter::<PlainLine>() {
            let line = line.unwrap();
            chats.entry(line.chat).or_default().push(line.body);
            lines += 1;
        }
        Lines { ndjson, chats, lines }
    }

    /// The first part of the bytes, which ends somewhere in a line.
    fn thirds(&self, thirds: usize) -> &[u8] {
        &self.ndjson[..self.ndjson.len() / 3 * thirds]
    }
}

/// Chats that are interleaved and equal lines among them.
fn generated() -> Vec<u8> {
    let mut generator = Generator::new(11);
    let mut ndjson = Vec::new();
    for index in 0..GENERATED_LINES {
        let said = generator.message();
        let body = if index % 50 == 0 {
            "+1".to_owned()
        } else {
            said.body
        };
        let line = serde_json::json!({
            "chat": format!("chat {}", index * 7 % GENERATED_CHATS),
            "sender": said.sender,
            "at": format!("2024-03-04T{:02}:{:02}:00Z", index / 60 % 24, index % 60),
            "body": body,
        });
        writeln!(ndjson, "{line}").unwrap();
    }
    ndjson
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_complete_in_order_and_repeatable_whoever_is_killed_in_the_middle() {
    let lines = Lines::find();
    let folder = temp_folder();
    let file = folder.path().join("lines.ndjson");
    std::fs::write(&file, &lines.ndjson).unwrap();
    let mut tiro = Tiro::start(&folder.path().join("data"), &[]);
    let token = create_application(&tiro.client()).await;

    let importer = import_begin(&tiro, &token, lines.thirds(1)).await;
    importer.kill();

    let mut importer = import_begin(&tiro, &token, lines.thirds(2)).await;
    tiro.kill();
    importer.end_input();
    assert_eq!(
        importer.wait().code,
        Some(1),
        "an import whose server vanished has failed"
    );

    tiro = Tiro::start(&folder.path().join("data"), &[]);
    let report = import(&tiro, &token, &file);
    assert_eq!(report.lines, lines.lines);
    assert!(report.unchanged > 0, "the parts left nothing");
    assert_is_imported(&tiro.client(), &token, &lines).await;

    let again = import(&tiro, &token, &file);
    assert_eq!((again.lines, again.unchanged), (lines.lines, lines.lines));
    assert_eq!((again.chats_created, again.messages_created), (0, 0));
    assert_is_imported(&tiro.client(), &token, &lines).await;
}

/// Begins an import that gets some lines and waits for more; comes back once more is stored than before.
async fn import_begin(tiro: &Tiro, token: &str, ndjson: &[u8]) -> Running {
    let client = tiro.client();
    let before = stored(&client, token).await;
    let arguments = [
        "import",
        "--server",
        &tiro.address,
        "--application",
        token,
        "--source",
        SOURCE,
        "-",
    ];
    let mut importer = Launch::new(arguments).start_with_input();
    let ndjson = ndjson.to_vec();
    let writing = tokio::task::spawn_blocking(move || {
        importer.input(&ndjson);
        importer
    });
    until("lines are stored", async || stored(&client, token).await > before).await;
    writing.await.unwrap()
}

/// How many messages the application has.
async fn stored(client: &Client, token: &str) -> u64 {
    let chats = client.chats(token, &Paging::after(0).limit(200)).await.unwrap();
    chats.data.iter().map(|chat| chat.messages_count).sum()
}

#[derive(Deserialize)]
struct Report {
    lines: usize,
    chats_created: usize,
    messages_created: usize,
    unchanged: usize,
}

fn import(tiro: &Tiro, token: &str, file: &Path) -> Report {
    let to_server = ["import", "--json", "--server", &tiro.address];
    let to_application = ["--application", token, "--source", SOURCE, file.to_str().unwrap()];
    let ended = Launch::new([to_server.as_slice(), &to_application].concat()).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(ended.stdout.trim()).unwrap()
}

async fn assert_is_imported(client: &Client, token: &str, lines: &Lines) {
    let application = client.application(token).await.unwrap().value;
    assert_eq!(application.chats_count, lines.chats.len() as u64);
    let chats = client.chats(token, &Paging::after(0).limit(200)).await.unwrap();
    assert_eq!(chats.data.len(), lines.chats.len());
    for (number, chat) in (1..).zip(&chats.data) {
        assert_eq!(chat.number, number);
        let bodies = &lines.chats[chat.title.as_deref().unwrap()];
        assert_eq!(
            (chat.messages_count, chat.last_message_number),
            (bodies.len() as u64, bodies.len() as u64)
        );
        let messages = list_messages(client, token, number).await;
        assert_eq!(messages.len(), bodies.len());
        for ((number, body), message) in (1..).zip(bodies).zip(&messages) {
            assert_eq!(message.number, number);
            assert_eq!(message.body.as_deref(), Some(body.as_str()));
        }
        assert_pages_anywhere(client, token, number, bodies).await;
    }
}

/// A page from the middle, the last one, and one message.
async fn assert_pages_anywhere(client: &Client, token: &str, chat: u64, bodies: &[String]) {
    let middle = bodies.len() as u64 / 2;
    let page = client
        .messages(token, chat, &Paging::after(middle).limit(3))
        .await
        .unwrap();
    let expected: Vec<_> = (middle + 1..=bodies.len() as u64).take(3).collect();
    assert_eq!(
        page.data.iter().map(|message| message.number).collect::<Vec<_>>(),
        expected
    );
    let last = client.messages(token, chat, &Paging::last(1)).await.unwrap();
    assert_eq!(last.data[0].body.as_deref(), bodies.last().map(String::as_str));
    let one = client.message(token, chat, middle.max(1)).await.unwrap().value;
    assert_eq!(
        one.body.as_ref().unwrap(),
        &bodies[usize::try_from(middle.max(1)).unwrap() - 1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_imported_and_exported_again_is_the_same_bytes() {
    let lines = Lines::find();
    let folder = temp_folder();
    let file = folder.path().join("lines.ndjson");
    std::fs::write(&file, &lines.ndjson).unwrap();
    let from_folder = temp_folder();
    let from = Tiro::start(from_folder.path(), &[]);
    let client = from.client();
    let token = create_application(&client).await;
    import(&from, &token, &file);
    change_a_little(&client, &token).await;
    let first = exported(&from, &folder.path().join("first.ndjson"));
    assert_eq!(exported(&from, &folder.path().join("first-again.ndjson")), first);

    let to_folder = temp_folder();
    let to = Tiro::start(to_folder.path(), &[]);
    let first_file = folder.path().join("first.ndjson");
    for round in ["first", "again"] {
        let ended = Launch::new(["import", "--server", &to.address, first_file.to_str().unwrap()]).run();
        assert_eq!(ended.code, Some(0), "{round}: {ended:?}");
        let second = exported(&to, &folder.path().join(format!("second-{round}.ndjson")));
        assert!(second == first, "{round}: the exports differ");
    }
}

/// Edits, deletes, keys, a deleted chat and a deleted application: an export must hold them all.
async fn change_a_little(client: &Client, token: &str) {
    use tiro_client::Sending;
    use tiro_client::api::{UpdateChat, UpdateMessage};
    let update = UpdateMessage {
        body: Some("edited"),
        metadata: None,
    };
    client
        .update_message(token, 1, 3, &update, &Sending::named("edit"))
        .await
        .unwrap();
    client
        .delete_message(token, 1, 4, &Sending::named("delete"))
        .await
        .unwrap();
    let title = UpdateChat {
        title: Some(Some("renamed")),
        metadata: None,
    };
    client
        .update_chat(token, 2, &title, &Sending::default())
        .await
        .unwrap();
    client.delete_chat(token, 3, &Sending::default()).await.unwrap();
    let short_lived = create_application(client).await;
    client
        .delete_application(&short_lived, &Sending::default())
        .await
        .unwrap();
}
