//! Exports as a stream of Tiro lines, read piece by piece as fast as the client takes them.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::Response;
use tiro_core::{Application, Entry, Export, Exported, Failure, Token};
use tokio::sync::OwnedSemaphorePermit;

use super::bounds::EXPORT_PIECE_BYTES;
use super::format::{After, EntryWriter};
use crate::answer;
use crate::call::Call;
use crate::problem::{self, Problem};
use crate::violations::Violations;

pub(super) const APPLICATION: &str = "application";
pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

pub(super) async fn export(call: Call, slot: OwnedSemaphorePermit) -> Result<Response<Body>, Problem> {
    let token = call
        .query
        .text(APPLICATION)
        .map(Token::parse)
        .transpose()
        .map_err(|fault| {
            let (code, text) = problem::fault(&fault);
            let mut violations = Violations::default();
            violations.parameter(APPLICATION, code, &text);
            violations.into_problem()
        })?;
    let export = call.engine.export(token).await?;
    let lines = Exporting::new(export, slot).into_stream();
    Ok(answer::text(MEDIA_TYPE, Body::from_stream(lines)))
}

/// An export on its way out.
struct Exporting {
    export: Box<dyn Export>,
    /// The application whose lines are being written.
    writer: Option<EntryWriter>,
    /// The last entry of that application, held back until it is known what follows.
    last: Option<Entry>,
    out: Vec<u8>,
    ended: bool,
    /// Given back when the client has everything, or is gone.
    _slot: OwnedSemaphorePermit,
}

impl Exporting {
    fn new(export: Box<dyn Export>, slot: OwnedSemaphorePermit) -> Exporting {
        Exporting {
            export,
            writer: None,
            last: None,
            out: Vec::new(),
            ended: false,
            _slot: slot,
        }
    }

    /// The lines. An error ends them: the client sees a body that breaks off, and a file without its last line.
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::try_unfold(self, |mut exporting| async move {
            match exporting.next_bytes().await {
                Ok(bytes) => Ok(bytes.map(|bytes| (bytes, exporting))),
                Err(failure) => {
                    tracing::error!(?failure, "an export broke off");
                    Err(io::Error::other("the export broke off"))
                }
            }
        })
    }

    async fn next_bytes(&mut self) -> Result<Option<Bytes>, Failure> {
        while !self.ended && self.out.len() < EXPORT_PIECE_BYTES {
            match self.export.next().await? {
                Some(Exported::Application(application)) => self.begin(&application)?,
                Some(Exported::Entries(entries)) => self.entries(entries)?,
                None => {
                    self.close(After::End)?;
                    self.ended = true;
                }
            }
        }
        let bytes = std::mem::take(&mut self.out);
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }

    fn begin(&mut self, application: &Application) -> Result<(), Failure> {
        self.close(After::Application)?;
        self.writer = Some(EntryWriter::begin(application, &mut self.out));
        Ok(())
    }

    fn entries(&mut self, entries: Vec<Entry>) -> Result<(), Failure> {
        for entry in entries {
            match &mut self.writer {
                Some(writer) if self.last.is_none() && writer.is_last(&entry) => self.last = Some(entry),
                Some(writer) if self.last.is_none() => writer.entry(&entry, &mut self.out)?,
                _ => return Err(incomplete()),
            }
        }
        Ok(())
    }

    /// Writes the last line of the application, if there is one.
    fn close(&mut self, after: After) -> Result<(), Failure> {
        match (self.writer.take(), self.last.take()) {
            (None, None) => Ok(()),
            (Some(writer), Some(last)) => writer.end(&last, after, &mut self.out),
            _ => Err(incomplete()),
        }
    }
}

fn incomplete() -> Failure {
    Failure::Internal("an export has other entries than its application says".into())
}
