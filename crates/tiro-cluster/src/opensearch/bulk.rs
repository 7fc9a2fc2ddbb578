//! Writing documents in bulk: requests of bounded size, and every document's own outcome.
//!
//! What is there with the same or a higher version is not written again, which is success. What is refused for now is
//! sent again; what is refused for ever is handed back with the reason.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::client::{Body, FOR_WORK, OpensearchError, back_off, is_passing};
use super::{Document, Generation, IndexError, SearchIndex};

/// Most documents of one request.
const REQUEST_DOCUMENTS_MAX: usize = 1_000;
/// Most bytes of one request, unless one document has more.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// How often documents that are refused for now are sent.
const ATTEMPTS_MAX: u32 = 10;
/// The path that every bulk request has below its index. Without that alias nothing is written, so an index that was
/// deleted does not come back empty.
const PATH: &str =
    "_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

/// A document that the index will never take as it is.
#[derive(Clone, Debug)]
pub(crate) struct RefusedDocument {
    /// Its place among those that were to be written.
    pub(crate) index: usize,
    pub(crate) reason: OpensearchError,
}

/// What became of one document.
enum Outcome {
    /// It is there, or a later one is.
    Written,
    Later(OpensearchError),
    Refused(OpensearchError),
}

impl SearchIndex {
    /// Writes documents and returns those that were refused for ever; the others are written, and are found from the
    /// next refresh on.
    pub(crate) async fn store(
        &self,
        generation: &Generation,
        documents: &[Document],
    ) -> Result<Vec<RefusedDocument>, IndexError> {
        let mut refused = Vec::new();
        // Pieces to be sent, the next one last, each with how often it was.
        let mut pieces: Vec<(Vec<usize>, u32)> = pieces(documents)
            .into_iter()
            .map(|piece| (piece, 1))
            .rev()
            .collect();
        while let Some((piece, attempt)) = pieces.pop() {
            let outcomes = match self.send(generation, documents, &piece).await {
                Ok(outcomes) => outcomes,
                Err(reason @ OpensearchError::Refused { status: 413, .. }) => {
                    match piece.as_slice() {
                        [index] => refused.push(RefusedDocument {
                            index: *index,
                            reason,
                        }),
                        several => {
                            let (first, second) = several.split_at(several.len() / 2);
                            pieces.push((second.to_vec(), attempt));
                            pieces.push((first.to_vec(), attempt));
                        }
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut again = Vec::new();
            let mut busy = None;
            for (index, outcome) in piece.into_iter().zip(outcomes) {
                match outcome {
                    Outcome::Written => {}
                    Outcome::Later(reason) => {
                        again.push(index);
                        busy = Some(reason);
                    }
                    Outcome::Refused(reason) if reason.is_missing_index() => return Err(IndexError::Missing),
                    Outcome::Refused(reason) => refused.push(RefusedDocument { index, reason }),
                }
            }
            if let Some(reason) = busy {
                if attempt == ATTEMPTS_MAX {
                    return Err(reason.into());
                }
                wait(back_off(attempt)).await;
                pieces.push((again, attempt + 1));
            }
        }
        Ok(refused)
    }

    async fn send(
        &self,
        generation: &Generation,
        documents: &[Document],
        piece: &[usize],
    ) -> Result<Vec<Outcome>, OpensearchError> {
        let mut lines = Vec::new();
        for index in piece {
            documents[*index].write_to(&mut lines);
        }
        let path = format!("/{}/{PATH}", generation.writes());
        let answer = self
            .client
            .call(Method::POST, &path, Body::Lines(lines), FOR_WORK)
            .await?;
        if answer["errors"] == Value::Bool(false) {
            return Ok(piece.iter().map(|_| Outcome::Written).collect());
        }
        let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items.len() != piece.len() {
            return Err(OpensearchError::malformed(
                "a bulk request has another number of outcomes",
            ));
        }
        items.iter().map(outcome).collect()
    }
}

async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

fn outcome(item: &Value) -> Result<Outcome, OpensearchError> {
    let item = &item["index"];
    let status = item["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or_else(|| OpensearchError::malformed("an outcome in bulk has no status"))?;
    Ok(match status {
        200..=299 | 409 => Outcome::Written,
        _ => {
            let reason = OpensearchError::refused(status, &item["error"]);
            if is_passing(status) || status == 500 {
                Outcome::Later(reason)
            } else {
                Outcome::Refused(reason)
            }
        }
    })
}

/// Places of documents, in order, in pieces that keep the bounds of one request.
fn pieces(documents: &[Document]) -> Vec<Vec<usize>> {
    let mut pieces: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, document) in documents.iter().enumerate() {
        bytes += document.bytes();
        match pieces.last_mut() {
            Some(piece) if piece.len() < REQUEST_DOCUMENTS_MAX && bytes <= REQUEST_BYTES_MAX => {
                piece.push(index);
            }
            _ => {
                pieces.push(vec![index]);
                bytes = document.bytes();
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: usize) -> Document {
        Document {
            id: "1.1.1".to_owned(),
            partition: 0,
            version: 1,
            replaces: super::super::Replaces::Earlier,
            source: "x".repeat(bytes),
        }
    }

    #[test]
    fn pieces_keep_their_bounds_and_lose_nothing() {
        let small: Vec<Document> = (0..2_500).map(|_| of(10)).collect();
        let sizes: Vec<usize> = pieces(&small).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        let large: Vec<Document> = [3 << 20, 2 << 20, 9 << 20, 1].map(of).into();
        assert_eq!(pieces(&large), [vec![0], vec![1], vec![2], vec![3]]);
        assert_eq!(pieces(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn what_is_there_already_is_written_and_what_is_busy_comes_again() {
        let of = |status: u16| {
            let item =
                serde_json::json!({"index": {"status": status, "error": {"type": "t", "reason": "r"}}});
            outcome(&item).unwrap()
        };
        assert!(matches!(of(201), Outcome::Written));
        assert!(matches!(of(409), Outcome::Written));
        for busy in [429, 500, 503] {
            assert!(matches!(of(busy), Outcome::Later(_)), "{busy}");
        }
        let Outcome::Refused(OpensearchError::Refused { status, kind, reason }) = of(400) else {
            panic!("400 is refused for ever");
        };
        assert_eq!((status, kind.as_str(), reason.as_str()), (400, "t", "r"));
        assert!(outcome(&Value::Null).is_err());
    }
}
