//! Reads the whole log and names everything that is wrong with it. Changes nothing.
//!
//! After a bad batch it goes on with the next valid one, so one report has all the damage. It judges the log's end by the
//! same rule as opening does.

use std::path::Path;

use super::error::{IoFailed, OpenError};
use super::fault::{Damage, Fault, Proof};
use super::headers::{Place, check_header};
use super::layout::{DataSetId, Mark};
use super::mark::{MarkCondition, load_mark, mark_path};
use super::point::LogPoint;
use super::recovery::{damage_at, find_proof};
use super::segment::{Segment, list_segments, segment_path};
use super::walk::Walk;
use super::{TornTail, lock};
use crate::disk::{Access, Disk};

/// What a scan has found.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// The data set of the first segment that could be read.
    pub data_set: Option<DataSetId>,
    /// Segment files.
    pub segments: u64,
    /// Good batches.
    pub batches: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// The point after the last good batch.
    pub end: Option<LogPoint>,
    /// Lost bytes, in the order of the log.
    pub damages: Vec<Damage>,
    /// What else keeps the log from opening: files of another data set, out of place, of a newer version.
    pub misplaced: Vec<OpenError>,
    /// The end of an interrupted write; opening cuts it off.
    pub torn_tail: Option<TornTail>,
    /// How the mark was found.
    pub mark: MarkCondition,
}

impl ScanReport {
    /// The log opens as it is.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.misplaced.is_empty()
    }
}

/// How far a scan is, in bytes of segment files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanProgress {
    /// Read so far.
    pub bytes_done: u64,
    /// To be read in all.
    pub bytes_total: u64,
}

/// Takes the good batches, in order; their sequences have holes where there is damage.
pub type OnBatch<'a> = &'a mut dyn FnMut(LogPoint, &[u8]);

/// Scans the log in the folder, which must not be open. An error only when it cannot be looked at at all.
pub fn scan(
    disk: &dyn Disk,
    folder: &Path,
    on_batch: OnBatch<'_>,
    on_progress: &mut dyn FnMut(ScanProgress),
) -> Result<ScanReport, OpenError> {
    let _lock = lock(disk, folder)?;
    let mut scan = Scan {
        disk,
        folder,
        mark: None,
        report: ScanReport::default(),
        on_batch,
    };
    let firsts = list_segments(disk, folder)?;
    scan.load_mark(&firsts)?;
    let segments = scan.check_headers(&firsts)?;
    let bytes_total = segments.iter().map(|(segment, _)| segment.header.capacity).sum();
    let mut bytes_before = 0;
    for (segment, next_first) in &segments {
        let mut progress = |offset| {
            on_progress(ScanProgress {
                bytes_done: bytes_before + offset,
                bytes_total,
            });
        };
        if let Err(failed) = scan.scan_segment(segment, *next_first, &mut progress) {
            scan.report_unreadable(segment, *next_first, &failed);
        }
        bytes_before += segment.header.capacity;
        on_progress(ScanProgress {
            bytes_done: bytes_before,
            bytes_total,
        });
    }
    Ok(scan.report)
}

struct Scan<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    mark: Option<Mark>,
    report: ScanReport,
    on_batch: OnBatch<'a>,
}

impl Scan<'_> {
    fn load_mark(&mut self, firsts: &[u64]) -> Result<(), OpenError> {
        match load_mark(self.disk, self.folder) {
            Ok(found) => (self.mark, self.report.mark) = (found.newest, found.condition),
            Err(OpenError::Io(failed)) => return Err(OpenError::Io(failed)),
            Err(error) => self.report.misplaced.push(error),
        }
        let marked = self.mark.map(|mark| mark.synced);
        if let Some(synced) = marked.filter(|synced| !firsts.contains(&synced.segment_first)) {
            let proof = Proof::Mark {
                synced_sequence: synced.sequence,
            };
            self.report_missing(synced.segment_first, proof);
        } else if firsts.is_empty() && self.report.mark != MarkCondition::Missing {
            self.report_missing(1, Proof::MarkFile);
        }
        Ok(())
    }

    fn report_missing(&mut self, first: u64, proof: Proof) {
        let file = segment_path(self.folder, first);
        let fault = Fault::Missing;
        self.report.damages.push(Damage {
            file,
            offset: 0,
            sequence: first,
            last_sequence: None,
            fault,
            proof,
        });
    }

    /// The segments that can be read, each with the first sequence of the file after it.
    fn check_headers(&mut self, firsts: &[u64]) -> Result<Vec<(Segment, Option<u64>)>, OpenError> {
        self.report.segments = firsts.len() as u64;
        let mut segments: Vec<(Segment, Option<u64>)> = Vec::with_capacity(firsts.len());
        let mut previous_first = 0;
        for (index, &first) in firsts.iter().enumerate() {
            let place = Place {
                first,
                previous_first,
                data_set: self.report.data_set,
            };
            let readable = match check_header(self.disk, self.folder, place) {
                Ok(Ok(segment)) => Some(segment),
                Ok(Err(bad)) => {
                    if bad.damage.fault == Fault::Missing
                        && let Some((_, next_first)) = segments.last_mut()
                    {
                        *next_first = Some(bad.damage.sequence);
                    }
                    self.report.damages.push(bad.damage);
                    bad.readable
                }
                Err(error) => {
                    self.report.misplaced.push(error);
                    None
                }
            };
            self.report.data_set = self
                .report
                .data_set
                .or(readable.as_ref().map(|segment| segment.header.data_set));
            segments.extend(readable.map(|segment| (segment, firsts.get(index + 1).copied())));
            previous_first = first;
        }
        self.check_mark_data_set();
        Ok(segments)
    }

    fn check_mark_data_set(&mut self) {
        if let (Some(mark), Some(expected)) = (self.mark, self.report.data_set)
            && mark.data_set != expected
        {
            let file = mark_path(self.folder);
            self.report.misplaced.push(OpenError::Foreign {
                file,
                found: mark.data_set,
                expected,
            });
            self.mark = None;
        }
    }

    fn scan_segment(
        &mut self,
        segment: &Segment,
        next_first: Option<u64>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), IoFailed> {
        let mut walk = Walk::new(segment.open(self.disk, Access::Read)?, segment);
        let stop = next_first.map_or(u64::MAX, |first| first - 1);
        while walk.at().sequence < stop {
            match walk.advance()? {
                Ok(()) => self.take_batch(&walk),
                Err(fault) => {
                    if !self.pass_fault(&mut walk, fault, next_first)? {
                        return Ok(());
                    }
                }
            }
            progress(walk.at().offset);
        }
        Ok(())
    }

    fn take_batch(&mut self, walk: &Walk) {
        let (at, payload) = (walk.at(), walk.payload());
        self.report.batches += 1;
        self.report.payload_bytes += payload.len() as u64;
        self.report.end = Some(at);
        if let Some(Mark { synced, .. }) = self.mark
            && (synced.segment_first, synced.sequence) == (at.segment_first, at.sequence)
            && synced != at
        {
            self.report.misplaced.push(OpenError::MarkDisagrees {
                mark: synced,
                log: at,
            });
        }
        (self.on_batch)(at, payload);
    }

    /// Judges what is bad and goes on behind it; `false` when nothing valid follows in this segment.
    fn pass_fault(
        &mut self,
        walk: &mut Walk,
        fault: Fault,
        next_first: Option<u64>,
    ) -> Result<bool, IoFailed> {
        let (at, bad) = (walk.at(), walk.at().sequence + 1);
        if let Fault::Newer { version } = fault {
            let (file, offset) = (walk.path().to_owned(), at.offset);
            self.report.misplaced.push(OpenError::Newer {
                file,
                offset,
                version,
            });
            return Ok(false);
        }
        let proof = match next_first {
            Some(first) => Some(Proof::LaterSegment { first }),
            None => find_proof(walk, &fault, self.mark.map(|mark| mark.synced.sequence))?,
        };
        let Some(proof) = proof else {
            let written_end = walk.written_end(at.offset)?;
            let torn = |end| TornTail {
                file: walk.path().to_owned(),
                offset: at.offset,
                bytes: end - at.offset,
            };
            self.report.torn_tail = written_end.map(torn);
            return Ok(false);
        };
        let stop = next_first.unwrap_or(u64::MAX);
        let later = walk.search(at.offset, |header| {
            header.sequence >= bad && header.sequence < stop
        })?;
        let last_sequence = match (later, next_first, proof) {
            (Some((_, header)), ..) => Some(bad.max(header.sequence - 1)),
            (None, Some(first), _) => Some(first - 1),
            (None, None, Proof::Mark { synced_sequence }) => Some(synced_sequence),
            (None, None, _) => None,
        };
        self.report.damages.push(Damage {
            last_sequence,
            ..damage_at(walk, fault, proof)
        });
        let Some((offset, header)) = later else {
            return Ok(false);
        };
        let sequence = header.sequence - 1;
        walk.go_to(LogPoint {
            offset,
            sequence,
            checksum: header.previous,
            ..at
        });
        Ok(true)
    }

    fn report_unreadable(&mut self, segment: &Segment, next_first: Option<u64>, failed: &IoFailed) {
        let read = self
            .report
            .end
            .filter(|end| end.segment_first == segment.header.first);
        let at = read.unwrap_or(segment.start());
        self.report.damages.push(Damage {
            file: failed.file.clone(),
            offset: at.offset,
            sequence: at.sequence + 1,
            last_sequence: next_first.map(|first| first - 1),
            fault: Fault::Unreadable {
                error: failed.source.to_string(),
            },
            proof: Proof::NoCrash,
        });
    }
}
