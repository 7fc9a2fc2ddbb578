//! Reading everything: an application's history, or all of them, as Tiro lines, chunk by chunk.

use bytes::Bytes;

use crate::liveness::{Pulse, while_alive};
use crate::{Client, Error};

/// The member with which the last line of a whole export closes; its digest has a fixed length.
const LAST_END: &[u8] = b",\"end\":{\"more\":false,\"sha256\":\"";
const LAST_END_BYTES: usize = LAST_END.len() + 64 + b"\"}}\n".len();

/// An export on its way.
#[derive(Debug)]
pub struct Export {
    client: Client,
    response: reqwest::Response,
    /// The last bytes so far: something between may cut an answer so that the connection looks whole.
    tail: Vec<u8>,
}

impl Client {
    /// Begins an export of one application, or of all.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn export(&self, application: Option<&str>) -> Result<Export, Error> {
        let query: Vec<_> = application
            .map(|token| ("application", token.to_owned()))
            .into_iter()
            .collect();
        let request = self.http.get(self.server.url(&["v1", "export"], &query));
        let begun = async {
            let response = request.send().await.map_err(|error| self.broken(error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            match self.collect(response).await {
                Err(refusal) => Err(refusal),
                Ok(raw) => Err(self.not_tiro(format!("status {}", raw.status.as_u16()))),
            }
        };
        let response = while_alive(self, &Pulse::new(), begun).await?;
        Ok(Export {
            client: self.clone(),
            response,
            tail: Vec::new(),
        })
    }
}

impl Export {
    /// The next bytes; `None` after the last. What came before an error is not the whole.
    ///
    /// # Errors
    /// [`Error::Vanished`] if the export ended early, and within 30 s after the server vanished.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Export {
            client,
            response,
            tail,
        } = self;
        let chunk = async { response.chunk().await.map_err(|error| client.broken(error)) };
        let chunk = while_alive(client, &Pulse::new(), chunk).await?;
        match &chunk {
            Some(bytes) => keep_last(tail, bytes),
            None if !is_whole(tail) => {
                return Err(client.cut("the export ended without its last line".to_owned()));
            }
            None => {}
        }
        Ok(chunk)
    }
}

fn keep_last(tail: &mut Vec<u8>, bytes: &[u8]) {
    let kept = bytes.len().min(LAST_END_BYTES);
    let surplus = (tail.len() + kept).saturating_sub(LAST_END_BYTES);
    tail.drain(..surplus);
    tail.extend_from_slice(&bytes[bytes.len() - kept..]);
}

/// No application at all is whole too.
fn is_whole(tail: &[u8]) -> bool {
    tail.is_empty()
        || (tail.len() == LAST_END_BYTES && tail.starts_with(LAST_END) && tail.ends_with(b"\"}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_whole_by_its_last_line_however_it_is_cut_into_chunks() {
        let digest = "0".repeat(64);
        let last = format!("{{\"position\":9,\"end\":{{\"more\":false,\"sha256\":\"{digest}\"}}}}\n");
        let not_last = last.replace("false", "true");
        for chunk_bytes in [1, 7, 100, 1_000] {
            let ends = |text: &str| {
                let mut tail = Vec::new();
                for chunk in text.as_bytes().chunks(chunk_bytes) {
                    keep_last(&mut tail, chunk);
                }
                is_whole(&tail)
            };
            assert!(ends(""));
            assert!(ends(&last));
            assert!(ends(&format!("{not_last}{last}")));
            assert!(!ends(&not_last));
            assert!(!ends(&last[..last.len() - 1]));
            assert!(!ends(&format!("{last}{{")));
        }
    }
}
