//! The steps that write, and read at the other node what was written.

use std::thread;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{Walk, fresh_key, same};

/// What the first message says in the end.
pub(super) const CHANGED: &str = "changed'); DROP TABLE messages; --\\ \" ";
/// The bytes that a body may have.
const BODY_BYTES_MAX: usize = 65_536;
const MESSAGES_OF_EACH: u64 = 100;
const BATCHES: usize = 6;
const BATCH: usize = 100;
const READER: &str = "ana%20%C3%BC";

pub(super) fn ready(walk: &mut Walk) -> anyhow::Result<String> {
    for node in &walk.nodes {
        node.get("/readyz")?.expect(200)?;
    }
    Ok(String::new())
}

pub(super) fn application(walk: &mut Walk) -> anyhow::Result<String> {
    let (name, metadata) = ("Wirklich ü 📦", json!({"a": [1, 2, {"b": null}]}));
    let key = fresh_key("application");
    let new = json!({"name": name, "metadata": metadata});
    let [first, second] = &walk.nodes;
    let created = first.post("/v1/applications", Some(&key), &new)?.expect(201)?;
    let again = second.post("/v1/applications", Some(&key), &new)?;
    let again: Value = serde_json::from_slice(&again.body)?;
    same("the token of the same key", &again["token"], &created["token"])?;
    walk.token = created["token"].as_str().context("no token")?.to_owned();
    walk.application = format!("/v1/applications/{}", walk.token);
    let found = second.get(&walk.application)?.expect(200)?;
    same("the name", &found["name"], &json!(name))?;
    same("the metadata", &found["metadata"], &metadata)?;
    Ok(String::new())
}

pub(super) fn chats(walk: &mut Walk) -> anyhow::Result<String> {
    for number in 1..=3 {
        let new = json!({"title": format!("Order {number} — Größe")});
        let key = format!("chat-{number}");
        let created = walk.nodes[number % 2].post(&walk.path("/chats"), Some(&key), &new)?;
        same("the number", &created.expect(201)?["number"], &json!(number))?;
    }
    same("the chats", numbers_of_chats(walk)?, vec![1, 2, 3])?;
    Ok(String::new())
}

pub(super) fn messages_at_once(walk: &mut Walk) -> anyhow::Result<String> {
    let walk_of_all = &*walk;
    thread::scope(|scope| {
        let sending: Vec<_> = (0..2)
            .map(|node| scope.spawn(move || send(walk_of_all, node)))
            .collect();
        sending
            .into_iter()
            .try_for_each(|thread| thread.join().expect("sending does not panic"))
    })?;
    walk.messages = 2 * MESSAGES_OF_EACH;
    let expected: Vec<u64> = (1..=walk.messages).collect();
    same("the numbers", walk.numbers_of_messages(1, "/chats/1")?, expected)?;
    Ok(format!("{} messages", walk.messages))
}

fn send(walk: &Walk, node: usize) -> anyhow::Result<()> {
    for index in 0..MESSAGES_OF_EACH {
        let text = format!("Wo ist mein Päckchen №{node}-{index}? 📦 αβγδ 中文字");
        let message = json!({"sender": format!("s{node}"), "body": text});
        let key = format!("message-{node}-{index}");
        let created = walk.nodes[node].post(&walk.path("/chats/1/messages"), Some(&key), &message)?;
        created.expect(201)?;
    }
    Ok(())
}

pub(super) fn batches(walk: &mut Walk) -> anyhow::Result<String> {
    for batch in 0..BATCHES {
        let messages: Vec<Value> = (0..BATCH)
            .map(|index| batch * BATCH + index)
            .map(|index| json!({"sender": "batch", "body": format!("stapel {index} lorem ipsum"), "metadata": {"i": index}}))
            .collect();
        let key = format!("batch-{batch}");
        let path = walk.path("/chats/2/messages/batch");
        walk.nodes[0]
            .post(&path, Some(&key), &json!({"messages": messages}))?
            .expect(201)?;
    }
    let count = BATCHES * BATCH;
    let chat = walk.nodes[1].get(&walk.path("/chats/2"))?.expect(200)?;
    same("the count", &chat["messages_count"], &json!(count))?;
    let page = walk.nodes[1]
        .get(&walk.path("/chats/2/messages?last=50"))?
        .expect(200)?;
    let last = page["data"].as_array().and_then(|data| data.last());
    same(
        "the last number",
        last.map(|message| &message["number"]),
        Some(&json!(count)),
    )?;
    Ok(format!("{count} messages"))
}

pub(super) fn largest_body(walk: &mut Walk) -> anyhow::Result<String> {
    let path = walk.path("/chats/3/messages");
    let body = "é".repeat(BODY_BYTES_MAX / 2);
    walk.nodes[0]
        .post(&path, Some("largest"), &json!({"body": body}))?
        .expect(201)?;
    let read = walk.nodes[1]
        .get(&walk.path("/chats/3/messages/1"))?
        .expect(200)?;
    same("the body", &read["body"], &json!(body))?;
    let refused = walk.nodes[0].post(&path, None, &json!({"body": format!("{body}x")}))?;
    if refused.status / 100 != 4 {
        bail!("a body that is too long is answered {}", refused.status);
    }
    Ok(String::new())
}

pub(super) fn changes(walk: &mut Walk) -> anyhow::Result<String> {
    let path = walk.path("/chats/1/messages/1");
    let former = walk.nodes[0].get(&path)?.expect(200)?;
    let words = former["body"].as_str().unwrap_or_default().split(' ');
    walk.former = words.filter(|word| word.starts_with('№')).collect();
    same("what it is found by", walk.search(1, "", &walk.former)?, 1)?;
    let [first, second] = &walk.nodes;
    first
        .call("PATCH", &path, &[], Some(&json!({"body": CHANGED})))?
        .expect(200)?;
    let read = second.get(&path)?;
    same("the body", &read.expect(200)?["body"], &json!(CHANGED))?;
    let stale = [("If-Match", "\"nope\"")];
    second
        .call("PATCH", &path, &stale, Some(&json!({"body": "x"})))?
        .expect(412)?;
    let current = [("If-Match", read.header("etag")?)];
    second
        .call("PATCH", &path, &current, Some(&json!({"body": CHANGED})))?
        .expect(200)?;
    let path = walk.path("/chats/1/messages/2");
    is_done(second.call("DELETE", &path, &[], None)?.status)?;
    let chat = first.get(&walk.path("/chats/1"))?.expect(200)?;
    same("the count", &chat["messages_count"], &json!(walk.messages - 1))?;
    Ok(String::new())
}

pub(super) fn readers(walk: &mut Walk) -> anyhow::Result<String> {
    let [first, second] = &walk.nodes;
    let path = walk.path(&format!("/chats/2/readers/{READER}"));
    is_done(first.call("PUT", &path, &[], Some(&json!({"read": 10})))?.status)?;
    same("the marker", &second.get(&path)?.expect(200)?["read"], &json!(10))?;
    second
        .get(&walk.path(&format!("/readers/{READER}")))?
        .expect(200)?;
    Ok(String::new())
}

pub(super) fn classic(walk: &mut Walk) -> anyhow::Result<String> {
    let chats = walk.nodes[0].get(&format!("/applications/{}/chats", walk.token))?;
    let chats = chats.expect(200)?;
    if !chats.to_string().contains("Order 1 — Größe") {
        bail!("the first chat is not in {chats}");
    }
    Ok(String::new())
}

pub(super) fn removals(walk: &mut Walk) -> anyhow::Result<String> {
    let [first, second] = &walk.nodes;
    is_done(first.call("DELETE", &walk.path("/chats/2"), &[], None)?.status)?;
    same("the chats", numbers_of_chats(walk)?, vec![1, 3])?;
    same("messages of a removed chat", walk.search(1, "", "stapel 17")?, 0)?;
    let key = fresh_key("short-lived");
    let created = first.post("/v1/applications", Some(&key), &json!({"name": "short-lived"}))?;
    let created = created.expect(201)?;
    let path = format!(
        "/v1/applications/{}",
        created["token"].as_str().context("no token")?
    );
    is_done(second.call("DELETE", &path, &[], None)?.status)?;
    let gone = first.get(&path)?.status;
    if ![404, 410].contains(&gone) {
        bail!("a removed application is answered {gone}");
    }
    Ok(String::new())
}

fn numbers_of_chats(walk: &Walk) -> anyhow::Result<Vec<u64>> {
    let page = walk.nodes[1].get(&walk.path("/chats"))?.expect(200)?;
    let data = page["data"].as_array().context("a page without data")?;
    let live = data.iter().filter(|chat| chat["deleted_at"].is_null());
    let mut numbers: Vec<u64> = live.filter_map(|chat| chat["number"].as_u64()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn is_done(status: u16) -> anyhow::Result<()> {
    if status / 100 != 2 {
        bail!("answered {status}");
    }
    Ok(())
}
