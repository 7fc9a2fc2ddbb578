//! Tests of the log on the real disk, with small segments, and on one that fails on request.
//!
//! A *killed* log is a copy of the folder of one that is still open: everything written is there, the last mark is not.

mod damage;
mod faults;
mod faulty_disk;
mod placement;
mod scanning;
mod torn;
mod writing;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::segment::segment_path;
use super::*;
use crate::disk::RealDisk;

/// Small segments, and a mark that is written only when the log is opened, changes its segment, or is closed.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        payload_bytes_max: 4 << 10,
        free_floor_bytes: 0,
        mark_interval: Duration::from_secs(3600),
        retry_interval: Duration::from_millis(1),
    }
}

/// A payload of 104 bytes, none of them zero, so that its batch is 144 bytes without padding.
fn payload(sequence: u64) -> Vec<u8> {
    (0..104)
        .map(|index| ((sequence * 31 + index) % 255) as u8 + 1)
        .collect()
}

const BATCH_BYTES: u64 = 144;

/// Where the batch begins in the first segment.
fn offset_of(sequence: u64) -> u64 {
    4096 + (sequence - 1) * BATCH_BYTES
}

type Replayed = Vec<(u64, Vec<u8>)>;

fn try_open(
    folder: &Path,
    from: Option<LogPoint>,
    on_damage: OnDamage,
) -> Result<(Log, Recovered, Replayed), OpenError> {
    let mut replayed = Vec::new();
    let mut replay = |batch: ReplayedBatch<'_>| {
        replayed.push((batch.after.sequence, batch.payload.to_vec()));
        Ok(())
    };
    let (log, recovered) = Log::open(
        Arc::new(RealDisk),
        folder,
        options(),
        from,
        on_damage,
        &mut replay,
    )?;
    Ok((log, recovered, replayed))
}

fn open(folder: &Path) -> (Log, Recovered, Replayed) {
    try_open(folder, None, OnDamage::Refuse).unwrap()
}

fn open_error(folder: &Path) -> OpenError {
    try_open(folder, None, OnDamage::Refuse).unwrap_err()
}

fn damage(folder: &Path) -> Damage {
    match open_error(folder) {
        OpenError::Damaged(damage) => damage,
        other => panic!("not damage: {other}"),
    }
}

/// Appends and syncs each of them, and answers the points after them.
fn write(log: &mut Log, sequences: impl IntoIterator<Item = u64>) -> Vec<LogPoint> {
    let write_one = |sequence| {
        let point = log.append(&payload(sequence)).unwrap();
        log.sync().unwrap();
        point
    };
    sequences.into_iter().map(write_one).collect()
}

fn expected(sequences: impl IntoIterator<Item = u64>) -> Replayed {
    sequences
        .into_iter()
        .map(|sequence| (sequence, payload(sequence)))
        .collect()
}

/// A closed log of that many synced batches, and the points after them.
fn closed_log(batches: u64) -> (TempDir, Vec<LogPoint>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let points = write(&mut log, 1..=batches);
    log.close().unwrap();
    (folder, points)
}

/// A killed log with that many synced batches, of which the mark knows none.
fn killed_log(synced: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    write(&mut log, 1..=synced);
    copy(folder.path())
}

fn copy(folder: &Path) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "next.seg" {
            fs::copy(entry.path(), target.path().join(entry.file_name())).unwrap();
        }
    }
    target
}

fn first_segment(folder: &Path) -> PathBuf {
    segment_path(folder, 1)
}

fn segments(folder: &Path) -> Vec<u64> {
    list_segments(&RealDisk, folder).unwrap()
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

fn read(path: &Path, offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fs::File::open(path)
        .unwrap()
        .read_exact_at(&mut bytes, offset)
        .unwrap();
    bytes
}

fn flip(path: &Path, offset: u64) {
    let byte = read(path, offset, 1)[0];
    overwrite(path, offset, &[byte ^ 0x10]);
}

/// Changes a page and gives it the right checksum.
fn edit_page(path: &Path, offset: u64, edit: impl FnOnce(&mut layout::Page)) {
    let mut page: layout::Page = read(path, offset, layout::PAGE_BYTES).try_into().unwrap();
    edit(&mut page);
    layout::seal_page(&mut page);
    overwrite(path, offset, &page);
}
