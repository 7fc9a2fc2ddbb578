//! Is this file the segment that belongs here? Answered from its header page alone.

use std::path::Path;

use super::error::OpenError;
use super::fault::{Damage, Fault, Proof};
use super::layout::DataSetId;
use super::segment::{Segment, segment_path};
use crate::disk::Disk;

/// Where a segment stands in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its first sequence, from its name.
    pub(super) first: u64,
    /// First sequence of the file before it, 0 when it is the first.
    pub(super) previous_first: u64,
    /// Of the files before it, once known.
    pub(super) data_set: Option<DataSetId>,
}

/// Damage seen in a header.
pub(super) struct BadHeader {
    pub(super) damage: Damage,
    /// The segment of that name, when its batches can be read although it or what is before it is damaged.
    pub(super) readable: Option<Segment>,
}

/// The segment, if it is whole as far as its header tells. A file that is well but in the wrong place is an error.
pub(super) fn check_header(
    disk: &dyn Disk,
    folder: &Path,
    place: Place,
) -> Result<Result<Segment, BadHeader>, OpenError> {
    let first = place.first;
    let damage = |file, sequence, last_sequence, fault, proof| Damage {
        file,
        offset: 0,
        sequence,
        last_sequence,
        fault,
        proof,
    };
    let segment = match Segment::load(disk, folder, first)? {
        Ok(segment) => segment,
        Err(Fault::Newer { version }) => {
            return Err(OpenError::Newer {
                file: segment_path(folder, first),
                offset: 0,
                version,
            });
        }
        Err(fault) => {
            let file = segment_path(folder, first);
            let damage = damage(file, first, None, fault, Proof::NoCrash);
            return Ok(Err(BadHeader {
                damage,
                readable: None,
            }));
        }
    };
    check_place(&segment, folder, place)?;
    let follows = segment.header.previous_first;
    if follows != place.previous_first {
        let (missing, proof) = (segment_path(folder, follows), Proof::LaterSegment { first });
        let damage = damage(missing, follows, Some(first - 1), Fault::Missing, proof);
        return Ok(Err(BadHeader {
            damage,
            readable: Some(segment),
        }));
    }
    let (found, expected) = (segment.file_bytes, segment.header.capacity);
    if found != expected {
        let fault = Fault::FileLength { found, expected };
        let damage = damage(segment.path.clone(), first, None, fault, Proof::NoCrash);
        let damage = Damage {
            offset: found.min(expected),
            ..damage
        };
        return Ok(Err(BadHeader {
            damage,
            readable: Some(segment),
        }));
    }
    Ok(Ok(segment))
}

fn check_place(segment: &Segment, folder: &Path, place: Place) -> Result<(), OpenError> {
    let (file, header) = (segment.path.clone(), &segment.header);
    if let Some(expected) = place.data_set.filter(|expected| *expected != header.data_set) {
        return Err(OpenError::Foreign {
            file,
            found: header.data_set,
            expected,
        });
    }
    if header.first != place.first {
        return Err(OpenError::Swapped {
            file,
            found_first: header.first,
        });
    }
    if header.previous_first < place.previous_first {
        let stray = segment_path(folder, place.previous_first);
        return Err(OpenError::Stray {
            file: stray,
            next: file,
            next_follows: header.previous_first,
        });
    }
    Ok(())
}
