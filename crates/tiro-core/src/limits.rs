//! Every limit of the domain, in one place, units in the names.

/// Most entries of one page.
pub const PAGE_LIMIT_MAX: u32 = 200;
/// Entries of a page when the client names no number.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;
/// Most entries of one page of the feed.
pub const CHANGES_LIMIT_MAX: u32 = 1_000;
/// Most entries that one page of a narrowed feed looks at.
pub const CHANGES_LOOKED_AT_MAX: u64 = 10_000;
/// Most markers that one page of a reader's chats looks at.
pub const MARKERS_LOOKED_AT_MAX: usize = 10_000;
/// A page ends early once its texts have this many bytes.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deepest nesting of metadata; the outermost object is level 1.
pub const METADATA_DEPTH_MAX: usize = 32;
/// Most highlights of one hit: the first ones.
pub const HIGHLIGHTS_MAX: usize = 100;
/// Most messages of a batch, unless configured.
pub const BATCH_MESSAGES_MAX: usize = 1_000;

/// The limits that an operator may configure. The defaults are those of the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest name of an application, in Unicode scalar values.
    pub name_chars_max: usize,
    /// Longest title of a chat, in Unicode scalar values.
    pub title_chars_max: usize,
    /// Longest body of a message, in bytes of UTF-8.
    pub body_bytes_max: usize,
    /// Longest name of a sender or reader, in bytes of UTF-8.
    pub sender_bytes_max: usize,
    /// Longest metadata, in bytes after white space was dropped; also after a merge.
    pub metadata_bytes_max: usize,
    /// Most messages of a batch.
    pub batch_messages_max: usize,
    /// Longest query, in Unicode scalar values.
    pub query_chars_max: usize,
    /// Most terms of a query, repeated ones counted each time.
    pub query_terms_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            name_chars_max: 255,
            title_chars_max: 255,
            body_bytes_max: 65_536,
            sender_bytes_max: 255,
            metadata_bytes_max: 4_096,
            batch_messages_max: BATCH_MESSAGES_MAX,
            query_chars_max: 512,
            query_terms_max: 16,
        }
    }
}
