//! The client and bulk requests against a server that answers what a test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{ClusterConfig, IndexError, SearchIndex};

use super::client::OpensearchError;
use super::{CandidateScope, Document, Generation};

/// Path and body of a request to status and body of the answer.
type Answering = Arc<dyn Fn(&str, &str) -> (u16, String) + Send + Sync>;

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + std::time::Duration::from_secs(30)
}

/// An index on a server that answers so.
async fn index_on(answering: Answering) -> (SearchIndex, Generation) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, Arc::clone(&answering)));
        }
    });
    let text = format!(
        "mysql = \"mysql://u:p@h/d\"\nrabbitmq = \"amqp://h\"\nredis = \"redis://h\"\nopensearch = \"http://{address}\"\n"
    );
    let index = SearchIndex::new(&ClusterConfig::parse(&text).unwrap(), [7; 16]).unwrap();
    let generation = index.generation(1);
    (index, generation)
}

async fn answer_all(stream: TcpStream, answering: Answering) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return;
            }
            let line = line.trim_end().to_lowercase();
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap().to_owned();
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let (status, answer) = answering(&path, std::str::from_utf8(&body).unwrap());
        let head = format!(
            "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream
            .write_all(format!("{head}{answer}").as_bytes())
            .await
            .unwrap();
    }
}

fn documents(count: u64) -> Vec<Document> {
    let document = |number| Document {
        replaces: super::Replaces::Earlier,
        id: format!("1.1.{number}"),
        partition: 0,
        version: 1,
        source: "{}".to_owned(),
    };
    (1..=count).map(document).collect()
}

/// The names in a bulk request, in order.
fn ids(body: &str) -> Vec<String> {
    let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["index"]["_id"].clone();
    body.lines()
        .step_by(2)
        .map(|line| of(line).as_str().unwrap().to_owned())
        .collect()
}

fn items(statuses: impl Iterator<Item = u16>) -> (u16, String) {
    let items: Vec<String> = statuses
        .map(|status| {
            format!("{{\"index\":{{\"status\":{status},\"error\":{{\"type\":\"t\",\"reason\":\"r\"}}}}}}")
        })
        .collect();
    (
        200,
        format!("{{\"errors\":true,\"items\":[{}]}}", items.join(",")),
    )
}

#[tokio::test]
async fn a_request_that_is_too_long_is_halved_until_it_fits_and_one_document_is_refused() {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stored);
    let (index, generation) = index_on(Arc::new(move |_, body| {
        let ids = ids(body);
        if ids.len() > 3 || ids.iter().any(|id| id == "1.1.5") {
            return (413, String::new());
        }
        seen.lock().extend(ids);
        (200, "{\"errors\":false}".to_owned())
    }))
    .await;
    let refused = index.store(&generation, &documents(10)).await.unwrap();
    assert_eq!(refused.iter().map(|one| one.index).collect::<Vec<_>>(), [4]);
    let expected: Vec<String> = [1, 2, 3, 4, 6, 7, 8, 9, 10]
        .iter()
        .map(|n| format!("1.1.{n}"))
        .collect();
    assert_eq!(*stored.lock(), expected, "in order, each once");
}

#[tokio::test]
async fn what_is_refused_for_now_is_sent_again_alone_and_what_is_refused_for_ever_is_told() {
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&rounds);
    let (index, generation) = index_on(Arc::new(move |_, body| {
        let ids = ids(body);
        seen.lock().push(ids.len());
        let is_first = seen.lock().len() == 1;
        items(ids.iter().map(|id| match id.as_str() {
            "1.1.1" => 409,
            "1.1.2" => 400,
            "1.1.3" | "1.1.4" if is_first => 429,
            _ => 201,
        }))
    }))
    .await;
    let refused = index.store(&generation, &documents(5)).await.unwrap();
    assert_eq!(refused.iter().map(|one| one.index).collect::<Vec<_>>(), [1]);
    assert_eq!(*rounds.lock(), [5, 2]);
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let (index, generation) = index_on(Arc::new(move |_, _| {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => (503, "no node".to_owned()),
            1 => (200, "{\"errors\":false}".to_owned()),
            _ => (
                403,
                "{\"error\":{\"type\":\"cluster_block_exception\",\"reason\":\"read-only\"}}".to_owned(),
            ),
        }
    }))
    .await;
    assert!(index.store(&generation, &documents(1)).await.unwrap().is_empty());
    let refused = index.store(&generation, &documents(1)).await.unwrap_err();
    let IndexError::Server(OpensearchError::Refused { status, kind, reason }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(
        (status, kind.as_str(), reason.as_str()),
        (403, "cluster_block_exception", "read-only")
    );
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_search_that_was_cut_off_or_lost_a_shard_does_not_pass_for_a_whole_one() {
    let (index, _) = index_on(Arc::new(|path, _| {
        if path.contains("routing=1") {
            return (200, "{\"timed_out\":true,\"_shards\":{\"failed\":0}}".to_owned());
        }
        (200, "{\"timed_out\":false,\"_shards\":{\"failed\":1}}".to_owned())
    }))
    .await;
    let application = tiro_core::ApplicationId(1);
    let scope = CandidateScope::Application {
        partition: 1,
        application,
    };
    let answer = index.candidates(&scope, &[], None, 9, soon()).await;
    assert!(matches!(answer, Err(IndexError::CutOff)), "{answer:?}");
    let scope = CandidateScope::Everything;
    let answer = index.candidates(&scope, &[], None, 9, soon()).await.unwrap();
    assert!(answer.has_more && answer.watermarks.is_empty() && answer.candidates.is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_is_said_to_be_away_without_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let text = format!(
        "mysql = \"mysql://u:p@h/d\"\nrabbitmq = \"amqp://h\"\nredis = \"redis://h\"\n\
         opensearch = \"http://user:hush@127.0.0.1:{port}\"\n"
    );
    let index = SearchIndex::new(&ClusterConfig::parse(&text).unwrap(), [7; 16]).unwrap();
    let scope = CandidateScope::Everything;
    let error = index.candidates(&scope, &[], None, 9, soon()).await.unwrap_err();
    assert!(
        matches!(error, IndexError::Server(OpensearchError::Unreachable(_))),
        "{error:?}"
    );
    assert!(
        !format!("{error} {error:?} {index:?}").contains("hush"),
        "{error} {error:?}"
    );
}
