//! Where imported bytes come from: a file or standard input, its beginning looked at and kept.

use std::fs::File;
use std::io::{self, Cursor, Read};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::kind::{Kind, PEEK_BYTES_MAX};
use crate::exit::Failure;

/// The file that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";
/// Bytes handed to the connection at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks read ahead of the connection.
const CHUNKS_AHEAD_MAX: usize = 4;

/// Bytes to import.
pub(super) struct Source {
    kind: Kind,
    bytes: Option<u64>,
    reader: Box<dyn Read + Send>,
}

impl Source {
    /// Opens a file, or standard input for `-`, and reads its beginning.
    pub(super) fn open(file: &str) -> Result<Source, Failure> {
        if file == STANDARD_INPUT {
            return Source::new(io::stdin(), None)
                .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")));
        }
        let cannot = |error: io::Error| Failure::failed(format!("cannot read `{file}`: {error}"));
        let opened = File::open(file).map_err(cannot)?;
        let metadata = opened.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!(
                "`{file}` is a folder: name a file, or `-` for standard input"
            )));
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        Source::new(opened, bytes).map_err(cannot)
    }

    fn new(mut reader: impl Read + Send + 'static, bytes: Option<u64>) -> io::Result<Source> {
        let mut beginning = Vec::new();
        reader.by_ref().take(PEEK_BYTES_MAX).read_to_end(&mut beginning)?;
        Ok(Source {
            kind: Kind::of(&beginning),
            bytes,
            reader: Box::new(Cursor::new(beginning).chain(reader)),
        })
    }

    /// What it holds.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// How many bytes it has, if that can be known.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// All bytes from the first on. A thread of its own reads them, since reading may wait for ever: it ends
    /// when the stream is dropped and the next read returns.
    pub(super) fn into_chunks(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD_MAX);
        std::thread::spawn(move || send_chunks(self.reader, &sender));
        futures_util::stream::unfold(receiver, |mut receiver| async {
            let chunk = receiver.recv().await?;
            Some((chunk, receiver))
        })
    }
}

fn send_chunks(mut reader: impl Read, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let chunk = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => Ok(Bytes::copy_from_slice(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if sender.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    fn sent(source: Source) -> io::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let chunks: Vec<Bytes> = runtime.block_on(source.into_chunks().try_collect())?;
        Ok(chunks.concat())
    }

    #[test]
    fn all_bytes_are_sent_although_the_beginning_was_looked_at() {
        let content: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let source = Source::new(Cursor::new(content.clone()), None).unwrap();
        assert_eq!(sent(source).unwrap(), content);
    }

    #[test]
    fn a_failure_of_the_file_ends_the_stream_with_that_failure() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let source = Source {
            kind: Kind::Plain,
            bytes: None,
            reader: Box::new(Cursor::new(b"abc").chain(Broken)),
        };
        assert_eq!(sent(source).unwrap_err().to_string(), "the disk is gone");
    }
}
