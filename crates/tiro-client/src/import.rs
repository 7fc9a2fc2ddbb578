//! Sending lines to be stored: the bytes of a file as they are, compressed or not.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::liveness::{Pulse, while_alive};
use crate::{Client, Error};
use tiro_api::ImportReport;

/// Where imported lines go. Lines that an export wrote name their application themselves: neither is given then.
#[derive(Clone, Debug, Default)]
pub struct ImportTarget {
    /// The token of the application that takes plain lines.
    pub application: Option<String>,
    /// The name of what plain lines come from: it makes their keys, so that importing again changes nothing.
    pub source: Option<String>,
}

impl ImportTarget {
    fn query(&self) -> Vec<(&'static str, String)> {
        let application = self.application.clone().map(|token| ("application", token));
        let source = self.source.clone().map(|name| ("source", name));
        application.into_iter().chain(source).collect()
    }
}

impl Client {
    /// Sends NDJSON, plain or gzip, and waits until all of it is stored. `on_sent` hears the bytes handed to the
    /// connection so far. Never repeated by itself; repeating it is safe, since lines that are stored already
    /// change nothing.
    ///
    /// # Errors
    /// [`Error::Source`] if `chunks` fails, otherwise those of any request; [`Error::Vanished`] within 30 s after
    /// the server vanished.
    pub async fn import(
        &self,
        target: &ImportTarget,
        chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        on_sent: impl Fn(u64) + Send + 'static,
    ) -> Result<ImportReport, Error> {
        let pulse = Pulse::new();
        let source_failure = Arc::new(Mutex::new(None));
        let body = chunks.map({
            let pulse = pulse.clone();
            let source_failure = Arc::clone(&source_failure);
            move |chunk| match chunk {
                Ok(chunk) => {
                    on_sent(pulse.moved(chunk.len()));
                    Ok(chunk)
                }
                Err(error) => {
                    let seen = io::Error::new(error.kind(), error.to_string());
                    *source_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Err(seen)
                }
            }
        });
        let request = self
            .http
            .post(self.server.url(&["v1", "import"], &target.query()))
            .header(http::header::CONTENT_TYPE, "application/x-ndjson")
            .body(reqwest::Body::wrap_stream(body));
        let answered = async {
            let response = request.send().await.map_err(|error| self.broken(error))?;
            self.decode(self.collect(response).await?)
        };
        match while_alive(self, &pulse, answered).await {
            Ok(answer) => Ok(answer.value),
            Err(error) => {
                let source = source_failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                Err(source.map_or(error, Error::Source))
            }
        }
    }
}
