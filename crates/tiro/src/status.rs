//! `tiro status`: how a server is, and the parts behind it.

use std::fmt::Write;

use tiro_client::api::{NodeStatus, PartitionStatus, QueueStatus, Status};

use crate::cli::StatusArgs;
use crate::exit::{Exit, Failure};
use crate::{connection, output};

pub(crate) fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    connection::block_on(async {
        let client = connection::client(&args.server)?;
        let status = client.status().await.map_err(connection::failure)?;
        if args.printing.json {
            output::json(&status)?;
        } else {
            output::line(&text(&status))?;
        }
        Ok(if status.ready { Exit::Fine } else { Exit::Failed })
    })
}

fn text(status: &Status) -> String {
    let state = if status.ready {
        "ready"
    } else {
        "cannot serve reads or writes"
    };
    let mut lines = vec![format!(
        "{} {}: {state}, up {} s",
        status.name, status.version, status.uptime_seconds
    )];
    lines.extend(status.remarks.iter().map(|remark| format!("note: {remark}")));
    if !status.partitions.is_empty() {
        lines.push(of_partitions(&status.partitions));
        lines.extend(status.queues.iter().map(of_queue));
        let dead = status
            .dead_letters
            .map_or("?".to_owned(), |dead| dead.to_string());
        lines.push(format!("dead letters: {dead}"));
        lines.extend(status.nodes.iter().map(of_node));
    }
    lines.join("\n")
}

/// All of them in one line, and a line for each that is behind.
fn of_partitions(partitions: &[PartitionStatus]) -> String {
    let changes: u64 = partitions.iter().map(|partition| partition.changes).sum();
    let mut text = format!("{} partitions, {changes} changes", partitions.len());
    for partition in partitions {
        let unrelayed = partition.changes.saturating_sub(partition.relayed);
        let indexed = partition
            .indexed
            .map(|indexed| partition.changes.saturating_sub(indexed));
        let behind = match indexed {
            Some(0) => None,
            Some(behind) => Some(format!("search {behind} behind")),
            None => Some("search index without an answer".to_owned()),
        };
        if unrelayed > 0 || behind.is_some() {
            let behind = behind.unwrap_or_else(|| "search up to date".to_owned());
            write!(
                text,
                "\n  partition {}: {unrelayed} to relay, {behind}",
                partition.number
            )
            .expect("a text takes more text");
        }
    }
    text
}

fn of_queue(queue: &QueueStatus) -> String {
    let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let age = queue
        .oldest_age_ms
        .map_or_else(String::new, |age| format!(", oldest {age} ms"));
    format!(
        "queue {}: {} waiting, {} running, {} failed{age}",
        queue.name,
        queue.waiting,
        count(queue.running),
        count(queue.failed)
    )
}

fn of_node(node: &NodeStatus) -> String {
    format!(
        "node {} {}: since {}, last heard of {}",
        node.role, node.name, node.started_at, node.seen_at
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let json = serde_json::json!({
            "name": "tiro", "version": "1.2.3", "started_at": "2026-01-31T09:14:00.000Z", "uptime_seconds": 7,
            "ready": true, "remarks": ["Redis is away."],
            "queues": [{"name": "tiro.changes.0", "waiting": 3, "running": 1, "failed": null, "oldest_age_ms": 40}],
            "dead_letters": 2,
            "partitions": [
                {"number": 0, "changes": 10, "relayed": 10, "indexed": 10},
                {"number": 1, "changes": 10, "relayed": 8, "indexed": 5},
                {"number": 2, "changes": 1, "relayed": 1, "indexed": null}
            ],
            "nodes": [{"role": "worker", "name": "host:7", "started_at": "2026-01-31T09:14:00.000Z",
                       "seen_at": "2026-01-31T09:14:05.000Z"}]
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_is_behind_and_what_failed_is_said_and_what_is_well_is_short() {
        let text = text(&status());
        assert!(
            text.starts_with("tiro 1.2.3: ready, up 7 s\nnote: Redis is away.\n"),
            "{text}"
        );
        assert!(
            text.contains("3 partitions, 21 changes\n  partition 1: 2 to relay, search 5 behind\n"),
            "{text}"
        );
        assert!(
            text.contains("  partition 2: 0 to relay, search index without an answer\n"),
            "{text}"
        );
        assert!(!text.contains("partition 0"), "{text}");
        assert!(
            text.contains("queue tiro.changes.0: 3 waiting, 1 running, ? failed, oldest 40 ms\n"),
            "{text}"
        );
        assert!(
            text.contains("dead letters: 2\nnode worker host:7: since 2026-01-31T09:14:00.000Z"),
            "{text}"
        );
    }

    #[test]
    fn a_server_of_one_process_is_one_line() {
        let mut alone = status();
        alone.ready = false;
        (alone.partitions, alone.remarks) = (Vec::new(), Vec::new());
        assert_eq!(text(&alone), "tiro 1.2.3: cannot serve reads or writes, up 7 s");
    }
}
