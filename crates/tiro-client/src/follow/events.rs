//! Takes a stream of events apart (HTML standard, section 9.2.6).

use crate::patience::ANSWER_BYTES_MAX;

/// What stands between two blank lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) id: Option<String>,
    pub(super) data: Option<String>,
    pub(super) retry_ms: Option<u64>,
}

/// The bytes of a stream that are not yet a whole block.
#[derive(Debug, Default)]
pub(super) struct Events {
    received: Vec<u8>,
    /// How many of them were read.
    read: usize,
    /// How many of them hold no line feed that was not read.
    searched: usize,
    block: Block,
}

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.received.drain(..self.read);
        self.searched -= self.read;
        self.read = 0;
        self.received.extend_from_slice(bytes);
    }

    /// The next whole block that says something; `None` until more bytes come.
    ///
    /// # Errors
    /// The stream is not one; says why.
    pub(super) fn next(&mut self) -> Result<Option<Block>, String> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                let block = std::mem::take(&mut self.block);
                if block != Block::default() {
                    return Ok(Some(block));
                }
            } else {
                self.block.field(&line);
            }
        }
        Ok(None)
    }

    /// The next line without its end. Tiro ends lines with a line feed; what stands between may write CR LF.
    fn line(&mut self) -> Result<Option<String>, String> {
        let Some(length) = self.received[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n')
        else {
            self.searched = self.received.len();
            if self.received.len() - self.read > ANSWER_BYTES_MAX {
                return Err(format!("an event of more than {ANSWER_BYTES_MAX} bytes"));
            }
            return Ok(None);
        };
        let end = self.searched + length;
        let line = &self.received[self.read..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8(line.to_vec()).map_err(|_| "an event that is not UTF-8".to_owned())?;
        self.read = end + 1;
        self.searched = self.read;
        Ok(Some(text))
    }
}

impl Block {
    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "retry" => self.retry_ms = value.parse().ok(),
            // Comments have no name; `event` is in the data as well.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str, chunk_bytes: usize) -> Vec<Block> {
        let mut events = Events::default();
        let mut found = Vec::new();
        for chunk in text.as_bytes().chunks(chunk_bytes) {
            events.push(chunk);
            while let Some(block) = events.next().unwrap() {
                found.push(block);
            }
        }
        found
    }

    #[test]
    fn blocks_are_found_however_the_stream_is_cut() {
        let text = "retry: 2000\nid: a.1\n\n: comment\n\nid: a.2\nevent: x\ndata: {\"b\":\"\u{e9}\"}\n\r\n\
                    data:one\ndata: two\r\n\r\nid: a.3";
        let block = |id: Option<&str>, data: Option<&str>, retry_ms| Block {
            id: id.map(str::to_owned),
            data: data.map(str::to_owned),
            retry_ms,
        };
        let wanted = [
            block(Some("a.1"), None, Some(2_000)),
            block(Some("a.2"), Some("{\"b\":\"\u{e9}\"}"), None),
            block(None, Some("one\ntwo"), None),
        ];
        for chunk_bytes in [1, 2, 3, 7, 1_000] {
            assert_eq!(blocks(text, chunk_bytes), wanted, "{chunk_bytes}");
        }
    }

    #[test]
    fn what_is_no_stream_of_events_ends_within_a_bound() {
        let mut events = Events::default();
        for _ in 0..=ANSWER_BYTES_MAX / 1_000_000 {
            events.push(&[b'x'; 1_000_000]);
        }
        assert!(events.next().unwrap_err().contains("bytes"));
        let mut events = Events::default();
        events.push(b"data: \xff\n");
        assert!(events.next().unwrap_err().contains("UTF-8"));
    }
}
