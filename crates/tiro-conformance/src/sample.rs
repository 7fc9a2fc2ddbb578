//! A small conversation written by hand, in the form of plain lines: `chat`, `sender`, `at`, `body`.

/// The lines as a file would hold them: NDJSON, 40 lines, three chats.
pub const NDJSON: &str = include_str!("sample.ndjson");

/// One line of [`NDJSON`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The chat's name.
    pub chat: String,
    /// Who said it.
    pub sender: String,
    /// When, as RFC 3339.
    pub at: String,
    /// What.
    pub body: String,
}

/// The lines in order.
///
/// # Panics
/// Never: the sample is part of this crate and a test reads it.
#[must_use]
pub fn lines() -> Vec<Line> {
    let line = |text: &str| -> Line {
        let read: serde_json::Value = serde_json::from_str(text).expect("the sample is NDJSON");
        let member = |name: &str| read[name].as_str().expect("each member is a text").to_owned();
        Line {
            chat: member("chat"),
            sender: member("sender"),
            at: member("at"),
            body: member("body"),
        }
    };
    NDJSON.lines().map(line).collect()
}

/// The lines by chat, chats in order of their first line.
#[must_use]
pub fn chats() -> Vec<(String, Vec<Line>)> {
    let mut chats: Vec<(String, Vec<Line>)> = Vec::new();
    for line in lines() {
        match chats.iter_mut().find(|(chat, _)| *chat == line.chat) {
            Some((_, of_chat)) => of_chat.push(line),
            None => chats.push((line.chat.clone(), vec![line])),
        }
    }
    chats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_forty_lines_in_three_chats_with_equal_lines_among_them() {
        let lines = lines();
        assert_eq!((lines.len(), chats().len()), (40, 3));
        let votes = lines.iter().filter(|line| line.body == "+1").count();
        assert_eq!(votes, 3);
    }
}
