//! Opening a log that exists: checks the segments' headers, finds the end, settles what lies after the mark, replays.
//!
//! The end is in the last segment; all before it was synced when that one was begun. What is bad at the end is damage if
//! there is proof that it had been durable, otherwise a torn write, which is overwritten with zeros. Nothing is replayed
//! before it is durable, and nothing is cut that the view has applied.

use std::path::Path;
use std::sync::Arc;

use super::error::{During, IoFailed, OpenError};
use super::fault::{Damage, Fault, Proof};
use super::headers::{BadHeader, Place, check_header};
use super::layout::{BATCHES_START, Mark};
use super::point::LogPoint;
use super::segment::{Segment, segment_path, write_zeros};
use super::walk::Walk;
use super::{OnDamage, Recovered, Replay, ReplayedBatch, TornTail};
use crate::disk::{Access, Disk, DiskFile};
use crate::planted::{self, Bug};

/// The last segment and the end of the log in it, everything before which is durable.
pub(super) struct Tail {
    pub(super) segment: Segment,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) end: LogPoint,
}

pub(super) struct Recovery<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) folder: &'a Path,
    /// What the view has applied.
    pub(super) from: Option<LogPoint>,
    pub(super) on_damage: OnDamage,
    pub(super) mark: Option<Mark>,
    pub(super) recovered: Recovered,
}

impl Recovery<'_> {
    /// `firsts` are the segments in the folder, at least one, ascending.
    pub(super) fn run(mut self, firsts: &[u64], replay: Replay<'_>) -> Result<(Tail, Recovered), OpenError> {
        let segments = self.check_headers(firsts)?;
        let tail = self.settle(&segments)?;
        let tail = self.replay(&segments, tail, replay)?;
        Ok((tail, self.recovered))
    }

    /// The segments whose headers are good, up to the first that is not when loss is accepted.
    fn check_headers(&mut self, firsts: &[u64]) -> Result<Vec<Segment>, OpenError> {
        let mut segments: Vec<Segment> = Vec::with_capacity(firsts.len());
        for (index, &first) in firsts.iter().enumerate() {
            let previous = segments.last().map(|segment| segment.header);
            let previous_first = previous.map_or(0, |header| header.first);
            let data_set = previous.map(|header| header.data_set);
            match check_header(
                self.disk,
                self.folder,
                Place {
                    first,
                    previous_first,
                    data_set,
                },
            )? {
                Ok(segment) => segments.push(segment),
                Err(BadHeader { damage, readable }) => {
                    let begins_after_damage = damage.sequence < first;
                    self.accept(damage)?;
                    let keep = readable.filter(|_| !begins_after_damage);
                    let kept = index + usize::from(keep.is_some());
                    segments.extend(keep);
                    self.set_aside(&firsts[kept..])?;
                    break;
                }
            }
        }
        self.check_marked_segment(&segments)?;
        Ok(segments)
    }

    fn check_marked_segment(&mut self, segments: &[Segment]) -> Result<(), OpenError> {
        let Some(Mark { synced, data_set, .. }) = self.mark else {
            return Ok(());
        };
        let expected = segments[0].header.data_set;
        if data_set != expected {
            let file = super::mark::mark_path(self.folder);
            return Err(OpenError::Foreign {
                file,
                found: data_set,
                expected,
            });
        }
        if segments
            .iter()
            .any(|segment| segment.header.first == synced.segment_first)
        {
            return Ok(());
        }
        self.accept(Damage {
            file: segment_path(self.folder, synced.segment_first),
            offset: 0,
            sequence: synced.segment_first,
            last_sequence: None,
            fault: Fault::Missing,
            proof: Proof::Mark {
                synced_sequence: synced.sequence,
            },
        })
    }

    /// Finds the end of the last segment and makes what is before it durable, and what is after it zeros.
    fn settle(&mut self, segments: &[Segment]) -> Result<Tail, OpenError> {
        let segment = segments[segments.len() - 1].clone();
        let file = segment.open(self.disk, Access::ReadWrite)?;
        let mut walk = Walk::new(Arc::clone(&file), &segment);
        let fault = self.walk_to_end(&mut walk)?;
        let end = walk.at();
        let proof = find_proof(&mut walk, &fault, self.mark.map(|mark| mark.synced.sequence))?;
        let written_end = walk.written_end(end.offset)?;
        if let Some(proof) = proof {
            self.accept(damage_at(&walk, fault, proof))?;
        }
        self.check_view(end.sequence)?;
        if let (None, Some(written_end)) = (proof, written_end) {
            let (file, bytes) = (segment.path.clone(), written_end - end.offset);
            self.recovered.torn_tail = Some(TornTail {
                file,
                offset: end.offset,
                bytes,
            });
        }
        let cut = written_end.is_some() || segment.file_bytes != segment.header.capacity;
        if cut {
            clear_after(&*file, &segment, end.offset)?;
        }
        let rewritten = self.write_again(&*file, &segment, end)?;
        if cut || rewritten > 0 {
            file.sync_data().during("sync", &segment.path)?;
        }
        self.recovered.bytes_rewritten = rewritten;
        Ok(Tail { segment, file, end })
    }

    /// Walks to the first fault; zeros after the last batch are one.
    fn walk_to_end(&self, walk: &mut Walk) -> Result<Fault, OpenError> {
        let mut before = walk.at();
        loop {
            let at = walk.at();
            if let Err(fault) = walk.advance()? {
                if planted::is(Bug::CutSyncedBatch) {
                    walk.go_to(before);
                }
                return not_newer(fault, walk);
            }
            before = at;
            if let Some(Mark { synced, .. }) = self.mark
                && synced.sequence == walk.at().sequence
                && synced != walk.at()
                && self.on_damage == OnDamage::Refuse
            {
                return Err(OpenError::MarkDisagrees {
                    mark: synced,
                    log: walk.at(),
                });
            }
        }
    }

    /// Writes the batches after the mark once more: after a failed sync the page cache may show bytes that the disk does
    /// not have, and only what is written anew is sure to be synced. Answers how many bytes.
    fn write_again(&self, file: &dyn DiskFile, segment: &Segment, end: LogPoint) -> Result<u64, IoFailed> {
        let mark = self.mark.map(|mark| mark.synced);
        let synced = mark.filter(|synced| synced.segment_first == segment.header.first);
        let start = synced.map_or(BATCHES_START, |synced| synced.offset.min(end.offset));
        let mut chunk = vec![0; 1 << 20];
        let mut offset = start;
        while offset < end.offset {
            let bytes = (end.offset - offset).min(chunk.len() as u64) as usize;
            let read = file
                .read_up_to_at(&mut chunk[..bytes], offset)
                .during("read", &segment.path)?;
            assert!(read == bytes, "the walk has read these bytes");
            file.write_all_at(&chunk[..bytes], offset)
                .during("write", &segment.path)?;
            offset += bytes as u64;
        }
        Ok(end.offset - start)
    }

    /// Hands out what follows the view's point, oldest first.
    fn replay(&mut self, segments: &[Segment], tail: Tail, replay: Replay<'_>) -> Result<Tail, OpenError> {
        let start = match self.from {
            None => 0,
            Some(view) => {
                let position = segments
                    .iter()
                    .position(|segment| segment.header.first == view.segment_first);
                position.ok_or(OpenError::ViewDisagrees { view })?
            }
        };
        for (index, segment) in segments.iter().enumerate().skip(start) {
            let next = segments.get(index + 1).map(|next| next.header.first);
            let stop = next.map_or(tail.end.sequence, |first| first - 1);
            let mut walk = Walk::new(segment.open(self.disk, Access::Read)?, segment);
            let fault = self.replay_segment(&mut walk, stop, tail.end.sequence, replay)?;
            if let Some(fault) = fault {
                let proof = next.map_or(Proof::NoCrash, |first| Proof::LaterSegment { first });
                self.accept(damage_at(&walk, fault, proof))?;
                return self.cut_after(&segments[..=index], &segments[index + 1..], walk.at());
            }
        }
        Ok(tail)
    }

    fn replay_segment(
        &mut self,
        walk: &mut Walk,
        stop: u64,
        last_sequence: u64,
        replay: Replay<'_>,
    ) -> Result<Option<Fault>, OpenError> {
        let mut unmet = self
            .from
            .filter(|view| view.segment_first == walk.at().segment_first);
        loop {
            if let Some(view) = unmet.take_if(|view| view.sequence <= walk.at().sequence)
                && view != walk.at()
            {
                return Err(OpenError::ViewDisagrees { view });
            }
            if walk.at().sequence >= stop {
                return unmet.map_or(Ok(None), |view| Err(OpenError::ViewDisagrees { view }));
            }
            if let Err(fault) = walk.advance()? {
                return not_newer(fault, walk).map(Some);
            }
            let after = walk.at();
            let is_dropped = planted::is(Bug::DropLastBatch) && after.sequence == last_sequence;
            if self.from.is_none_or(|view| view.sequence < after.sequence) && !is_dropped {
                let batch = ReplayedBatch {
                    after,
                    last_sequence,
                    payload: walk.payload(),
                };
                self.recovered.batches_replayed += 1;
                self.recovered.bytes_replayed += batch.payload.len() as u64;
                replay(batch).map_err(|error| OpenError::Replay { after, error })?;
            }
        }
    }

    /// Makes `end`, in the last of `kept`, the end of the log, and sets the segments after it aside.
    fn cut_after(&self, kept: &[Segment], lost: &[Segment], end: LogPoint) -> Result<Tail, OpenError> {
        let segment = kept[kept.len() - 1].clone();
        let firsts: Vec<u64> = lost.iter().map(|segment| segment.header.first).collect();
        self.set_aside(&firsts)?;
        let file = segment.open(self.disk, Access::ReadWrite)?;
        clear_after(&*file, &segment, end.offset)?;
        file.sync_data().during("sync", &segment.path)?;
        Ok(Tail { segment, file, end })
    }

    /// From the last one on, so that what an interruption leaves has no gap.
    fn set_aside(&self, firsts: &[u64]) -> Result<(), IoFailed> {
        for &first in firsts.iter().rev() {
            let path = segment_path(self.folder, first);
            self.disk
                .rename(&path, &path.with_extension("lost"))
                .during("set aside", &path)?;
        }
        self.disk.sync_dir(self.folder).during("sync", self.folder)
    }

    /// Takes note of damage when loss is accepted, and refuses otherwise. What the view has applied is never given up, nor
    /// the first segment's header, without which there is no log.
    fn accept(&mut self, damage: Damage) -> Result<(), OpenError> {
        let nothing_left = damage.sequence <= 1 && damage.offset == 0;
        if self.on_damage == OnDamage::Refuse || nothing_left {
            return Err(OpenError::Damaged(damage));
        }
        self.check_view(damage.sequence - 1)?;
        let earlier = self
            .recovered
            .accepted_loss
            .take_if(|other| other.sequence <= damage.sequence);
        self.recovered.accepted_loss = Some(earlier.unwrap_or(damage));
        Ok(())
    }

    fn check_view(&self, log_end_sequence: u64) -> Result<(), OpenError> {
        match self.from {
            Some(view) if view.sequence > log_end_sequence => Err(OpenError::ViewAhead {
                view,
                log_end_sequence,
            }),
            _ => Ok(()),
        }
    }
}

/// Why what stood after the walk's point, in the last segment, had been durable; `None` when it may be a torn write. A
/// later batch that was written before this one was synced is no proof: the disk may have kept either.
pub(super) fn find_proof(
    walk: &mut Walk,
    fault: &Fault,
    synced_sequence: Option<u64>,
) -> Result<Option<Proof>, IoFailed> {
    let bad = walk.at().sequence + 1;
    // Every place is written once after it was made zero, by a writer that knows what stands before it.
    if matches!(fault, Fault::Sequence { .. } | Fault::Previous { .. }) {
        return Ok(Some(Proof::NoCrash));
    }
    if let Some(synced_sequence) = synced_sequence.filter(|&synced| synced >= bad) {
        return Ok(Some(Proof::Mark { synced_sequence }));
    }
    let later = walk.search(walk.at().offset, |header| {
        header.sequence > bad && header.synced_through >= bad
    })?;
    Ok(later.map(|(offset, header)| Proof::LaterBatch {
        sequence: header.sequence,
        offset,
    }))
}

/// The damage at the walk's point.
pub(super) fn damage_at(walk: &Walk, fault: Fault, proof: Proof) -> Damage {
    let LogPoint { offset, sequence, .. } = walk.at();
    Damage {
        file: walk.path().to_owned(),
        offset,
        sequence: sequence + 1,
        last_sequence: None,
        fault,
        proof,
    }
}

fn not_newer(fault: Fault, walk: &Walk) -> Result<Fault, OpenError> {
    match fault {
        Fault::Newer { version } => {
            let (file, offset) = (walk.path().to_owned(), walk.at().offset);
            Err(OpenError::Newer {
                file,
                offset,
                version,
            })
        }
        fault => Ok(fault),
    }
}

fn clear_after(file: &dyn DiskFile, segment: &Segment, offset: u64) -> Result<(), IoFailed> {
    let capacity = segment.header.capacity;
    write_zeros(file, offset, capacity).during("clear the end of", &segment.path)?;
    file.set_len(capacity).during("cut", &segment.path)
}
