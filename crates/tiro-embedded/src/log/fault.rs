//! What is wrong with some bytes of the log, and how we know that it matters.
//!
//! A [`Fault`] becomes [`Damage`] when there is [`Proof`] that those bytes were once durable; without proof it is the torn
//! end of an interrupted write.

#![allow(missing_docs, reason = "the sentence on a variant explains its fields")]

use std::fmt;
use std::path::PathBuf;

use super::layout::FORMAT_VERSION;

/// What is wrong with the bytes at some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Only zeros where something should be.
    Absent,
    /// It does not begin with the magic bytes.
    Magic,
    /// The payload would not fit where it is.
    Length { payload_bytes: u64 },
    /// The bytes are not those that were written.
    Checksum {
        stored: u32,
        computed: u32,
        version: u16,
    },
    /// Written by a newer program.
    Newer { version: u16 },
    /// A valid batch of another sequence.
    Sequence { found: u64 },
    /// A valid batch that followed another one than stands before it.
    Previous { found: u32, expected: u32 },
    /// The file is shorter or longer than its header says.
    FileLength { found: u64, expected: u64 },
    /// The header of another segment than the file's name says.
    OtherSegment { first: u64 },
    /// There is no such file.
    Missing,
    /// The disk does not give the bytes.
    Unreadable { error: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Absent => write!(f, "only zeros"),
            Fault::Magic => write!(f, "wrong magic bytes"),
            Fault::Length { payload_bytes } => {
                write!(f, "a payload length of {payload_bytes} bytes does not fit")
            }
            Fault::Checksum {
                stored,
                computed,
                version,
            } => {
                write!(f, "checksum {computed:08x} instead of {stored:08x}")?;
                if *version > FORMAT_VERSION {
                    write!(
                        f,
                        " (it says format version {version}; this program knows {FORMAT_VERSION})"
                    )?;
                }
                Ok(())
            }
            Fault::Newer { version } => {
                write!(f, "format version {version}; this program knows {FORMAT_VERSION}")
            }
            Fault::Sequence { found } => write!(f, "a valid batch, but of sequence {found}"),
            Fault::Previous { found, expected } => {
                write!(
                    f,
                    "a valid batch, but it followed {found:08x} and {expected:08x} stands before it"
                )
            }
            Fault::FileLength { found, expected } => {
                write!(f, "the file has {found} bytes instead of {expected}")
            }
            Fault::OtherSegment { first } => write!(f, "it holds segment {first:016x}"),
            Fault::Missing => write!(f, "the file is missing"),
            Fault::Unreadable { error } => write!(f, "cannot be read: {error}"),
        }
    }
}

/// How we know that a bad batch had been durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The mark says so.
    Mark { synced_sequence: u64 },
    /// The mark exists, and it is created after the first segment.
    MarkFile,
    /// A later batch, at that byte of the same file, says so.
    LaterBatch { sequence: u64, offset: u64 },
    /// A segment is begun only when all before it is durable, and this one follows.
    LaterSegment { first: u64 },
    /// No interrupted write leaves this behind.
    NoCrash,
    /// The reader asked only for what was durable.
    Published,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Mark { synced_sequence } => {
                write!(f, "the mark says all up to batch {synced_sequence} was synced")
            }
            Proof::MarkFile => write!(f, "the mark exists, so there was a log"),
            Proof::LaterBatch { sequence, offset } => {
                write!(f, "batch {sequence} at byte {offset} says it was synced")
            }
            Proof::LaterSegment { first } => write!(f, "segment {first:016x}.seg follows, so it was synced"),
            Proof::NoCrash => write!(f, "no interrupted write leaves this behind"),
            Proof::Published => write!(f, "it had been published as synced"),
        }
    }
}

/// Bytes that were durable and are no longer what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file that is damaged, or missing.
    pub file: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// First sequence that cannot be read.
    pub sequence: u64,
    /// Last sequence that cannot be read, where a later valid batch or segment tells; otherwise it is not known.
    pub last_sequence: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
    /// Why this is not just a torn write.
    pub proof: Proof,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage {
            offset,
            sequence,
            fault,
            proof,
            ..
        } = self;
        write!(f, "{} at byte {offset}: batch {sequence}", self.file.display())?;
        match self.last_sequence {
            Some(last) if last > *sequence => write!(f, " to {last}")?,
            Some(_) => {}
            None => write!(f, " and possibly later ones")?,
        }
        write!(f, " cannot be read: {fault}; {proof}")
    }
}
