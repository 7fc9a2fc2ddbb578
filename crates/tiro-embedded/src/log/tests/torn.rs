//! Interrupted writes: cut off and reported, never taken for damage.

use super::layout::{BatchHeader, DataSetId, encode_batch};
use super::*;

/// A killed log of three synced batches, which the mark knows, and more that are not synced.
fn with_unsynced(unsynced: u64) -> TempDir {
    let (folder, _) = closed_log(3);
    let (mut log, ..) = open(folder.path());
    for sequence in 4..4 + unsynced {
        log.append(&payload(sequence)).unwrap();
    }
    copy(folder.path())
}

#[test]
fn a_write_torn_at_any_byte_is_cut() {
    let folder = with_unsynced(1);
    let file = first_segment(folder.path());
    let batch = read(&file, offset_of(4), BATCH_BYTES as usize);
    for kept in 0..batch.len() {
        let mut torn = batch.clone();
        torn[kept..].fill(0);
        overwrite(&file, offset_of(4), &torn);
        let (_, recovered, replayed) = open(folder.path());
        let bytes = torn
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last as u64 + 1);
        let tail = TornTail {
            file: file.clone(),
            offset: offset_of(4),
            bytes,
        };
        assert_eq!(
            recovered.torn_tail,
            (kept > 0).then_some(tail),
            "{kept} bytes kept"
        );
        assert_eq!(replayed, expected(1..=3));
        assert_eq!(
            read(&file, offset_of(4), BATCH_BYTES as usize),
            vec![0; BATCH_BYTES as usize]
        );
    }
}

#[test]
fn an_unsynced_batch_of_which_any_byte_is_wrong_is_cut() {
    let folder = with_unsynced(1);
    let file = first_segment(folder.path());
    let batch = read(&file, offset_of(4), BATCH_BYTES as usize);
    for offset in 0..BATCH_BYTES {
        overwrite(&file, offset_of(4), &batch);
        flip(&file, offset_of(4) + offset);
        let (_, recovered, replayed) = open(folder.path());
        assert_eq!(
            (recovered.torn_tail.unwrap().bytes, replayed),
            (BATCH_BYTES, expected(1..=3))
        );
    }
}

#[test]
fn unsynced_batches_that_reached_the_disk_out_of_order_are_cut_together() {
    let folder = with_unsynced(3);
    let file = first_segment(folder.path());
    overwrite(&file, offset_of(4), &[0; BATCH_BYTES as usize]);
    let (mut log, recovered, replayed) = open(folder.path());
    assert_eq!(recovered.torn_tail.unwrap().bytes, 3 * BATCH_BYTES);
    assert_eq!(replayed, expected(1..=3));
    write(&mut log, 4..=4);
    drop(log);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!((recovered.torn_tail, replayed), (None, expected(1..=4)));
}

#[test]
fn unsynced_batches_that_all_reached_the_disk_are_kept() {
    let folder = with_unsynced(3);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(
        (recovered.torn_tail, recovered.bytes_rewritten),
        (None, 3 * BATCH_BYTES)
    );
    assert_eq!(replayed, expected(1..=6));
}

#[test]
fn a_payload_that_looks_like_a_later_batch_proves_nothing() {
    let (folder, _) = closed_log(3);
    let (mut log, ..) = open(folder.path());
    let header = BatchHeader {
        checksum: 0,
        version: super::FORMAT_VERSION,
        payload_bytes: 3,
        sequence: 9,
        synced_through: 8,
        previous: 7,
    };
    let mut forged = Vec::new();
    encode_batch(&mut forged, &header, DataSetId([0; 16]), b"abc");
    log.append(&forged).unwrap();
    let folder = copy(folder.path());
    flip(&first_segment(folder.path()), offset_of(4) + 4);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(recovered.torn_tail.unwrap().offset, offset_of(4));
    assert_eq!(replayed, expected(1..=3));
}

#[test]
fn a_segment_begun_without_any_batch_is_the_empty_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    write(&mut log, 1..=85);
    log.append(&payload(86)).unwrap();
    let killed = copy(folder.path());
    overwrite(&segment_path(killed.path(), 86), 4096, &[0; BATCH_BYTES as usize]);
    for _ in 0..2 {
        let (log, recovered, replayed) = open(killed.path());
        assert_eq!((recovered.torn_tail, replayed), (None, expected(1..=85)));
        assert_eq!((log.synced().segment_first, log.synced().sequence), (86, 85));
        let point = log.synced();
        drop(log);
        try_open(killed.path(), Some(point), OnDamage::Refuse).unwrap();
    }
}

#[test]
fn a_prepared_segment_of_an_earlier_run_is_thrown_away() {
    let (folder, _) = closed_log(3);
    let next = folder.path().join("next.seg");
    fs::copy(first_segment(folder.path()), &next).unwrap();
    let (mut log, _, replayed) = open(folder.path());
    assert_eq!(replayed, expected(1..=3));
    write(&mut log, 4..=200);
    drop(log);
    assert_eq!(open(folder.path()).2, expected(1..=200));
}
