//! The steps that follow what happens: the feed, a stream, a parked create, the status.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::json;

use super::{LOOK_EVERY, OWN_TIME_MAX, Walk, same};

pub(super) fn feed(walk: &mut Walk) -> anyhow::Result<String> {
    let mut positions = Vec::new();
    loop {
        let after = match walk.cursor.as_str() {
            "" => String::new(),
            cursor => format!("&after={cursor}"),
        };
        let path = walk.path(&format!("/changes?limit=1000{after}"));
        let page = walk.nodes[1].get(&path)?.expect(200)?;
        let data = page["data"].as_array().context("a page without data")?;
        positions.extend(data.iter().filter_map(|change| change["position"].as_u64()));
        let next = page["next"].as_str().map(str::to_owned);
        match next.filter(|next| *next != walk.cursor && !data.is_empty()) {
            Some(next) => walk.cursor = next,
            None => break,
        }
    }
    let expected: Vec<u64> = (1..=positions.len() as u64).collect();
    if positions.is_empty() {
        bail!("the feed is empty");
    }
    same("the positions", &positions, &expected)?;
    Ok(format!("{} changes", positions.len()))
}

/// Writes once the stream is open, which its first line says.
pub(super) fn stream(walk: &mut Walk) -> anyhow::Result<String> {
    let path = walk.path(&format!("/changes/stream?after={}", walk.cursor));
    let lines = walk.nodes[1].events(&path)?;
    let (wrote, written) = mpsc::channel();
    let (node, path) = (walk.nodes[0].clone(), walk.path("/chats/3/messages"));
    let writer = thread::spawn(move || {
        let begun = Instant::now();
        wrote.send(begun).context("nobody reads the stream")?;
        node.post(&path, None, &json!({"body": "für den Strom"}))?
            .expect(201)
    });
    for line in lines {
        if line.context("the stream fell silent")?.contains("für den Strom") {
            let begun = written.recv()?;
            writer.join().expect("writing does not panic")?;
            return Ok(format!(
                "{} ms after the write began",
                begun.elapsed().as_millis()
            ));
        }
    }
    bail!("the stream ended")
}

pub(super) fn parked(walk: &mut Walk) -> anyhow::Result<String> {
    let headers = [("Idempotency-Key", "parked-1"), ("Prefer", "respond-async")];
    let message = json!({"body": "geparkt"});
    let answer = walk.nodes[0].call("POST", &walk.path("/chats/3/messages"), &headers, Some(&message))?;
    answer.expect(202)?;
    let operation = answer.header("location")?.to_owned();
    let begun = Instant::now();
    loop {
        let told = walk.nodes[1].get(&operation)?.expect(200)?;
        match told["status"].as_str() {
            Some("applied") => return Ok(format!("applied after {} ms", begun.elapsed().as_millis())),
            Some("pending") if begun.elapsed() < OWN_TIME_MAX => thread::sleep(LOOK_EVERY),
            _ => bail!("the operation: {told}"),
        }
    }
}

pub(super) fn status(walk: &mut Walk) -> anyhow::Result<String> {
    let status = walk.nodes[0].get("/v1/status")?.expect(200)?;
    same("dead letters", &status["dead_letters"], &json!(0))?;
    let nodes = status["nodes"].as_array().context("the status has no nodes")?;
    Ok(format!("{} nodes, remarks: {}", nodes.len(), status["remarks"]))
}
