//! The steps that search, before the index has what was written and after.

use std::thread;
use std::time::Instant;

use anyhow::bail;
use serde_json::json;

use super::{LOOK_EVERY, OWN_TIME_MAX, Walk, fresh_key, same};

pub(super) fn at_once(walk: &mut Walk) -> anyhow::Result<String> {
    finds(walk)?;
    let word = fresh_key("neu").replace('-', "");
    for (node, other) in [(0, 1), (1, 0)] {
        let message = json!({"body": format!("{word}{node} frisch")});
        walk.nodes[node]
            .post(&walk.path("/chats/3/messages"), None, &message)?
            .expect(201)?;
        same(
            "a new message",
            walk.search(other, "", &format!("{word}{node}")[3..])?,
            1,
        )?;
    }
    Ok(String::new())
}

pub(super) fn indexed(walk: &mut Walk) -> anyhow::Result<String> {
    let begun = Instant::now();
    while !is_indexed(walk)? {
        if begun.elapsed() > OWN_TIME_MAX {
            bail!("the index is still behind after {} s", OWN_TIME_MAX.as_secs());
        }
        thread::sleep(LOOK_EVERY);
    }
    finds(walk)?;
    Ok(String::new())
}

/// Parts of words in several scripts; what was replaced is found no more.
fn finds(walk: &Walk) -> anyhow::Result<()> {
    for (below, query) in [
        ("/chats/1/messages", "ÄCKCH"),
        ("/chats/1/messages", "中文"),
        ("", "stapel 17"),
    ] {
        if walk.search(1, below, query)? == 0 {
            bail!("`{query}` is not found");
        }
    }
    same("one message", walk.search(0, "", "№1-7?")?, 1)?;
    same("a changed text", walk.search(0, "", "DROP TABLE")?, 1)?;
    same("a former text", walk.search(0, "", &walk.former)?, 0)
}

fn is_indexed(walk: &Walk) -> anyhow::Result<bool> {
    let status = walk.nodes[0].get("/v1/status")?.expect(200)?;
    let Some(partitions) = status["partitions"].as_array().filter(|all| !all.is_empty()) else {
        bail!("the status has no partitions: {status}");
    };
    Ok(partitions
        .iter()
        .all(|partition| partition["changes"] == partition["indexed"]))
}
