//! A log without accidents: writing, opening again, many segments, reading along.

use super::*;

#[test]
fn a_new_log_is_empty_and_keeps_its_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let (log, recovered, replayed) = open(folder.path());
    let data_set = log.data_set();
    assert_eq!(
        (log.synced().sequence, recovered.mark, replayed),
        (0, MarkCondition::Missing, vec![])
    );
    log.close().unwrap();
    let (log, recovered, replayed) = open(folder.path());
    assert_eq!(
        (log.data_set(), recovered, replayed),
        (data_set, Recovered::default(), vec![])
    );
    assert_ne!(open(&folder.path().join("other")).0.data_set(), data_set);
}

#[test]
fn batches_of_every_size_come_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let sizes = (0..20).chain([4095, 4096]);
    let payloads: Vec<Vec<u8>> = sizes.map(|size| vec![size as u8; size]).collect();
    for payload in &payloads {
        log.append(payload).unwrap();
    }
    log.sync().unwrap();
    log.close().unwrap();
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(
        replayed
            .into_iter()
            .map(|(_, payload)| payload)
            .collect::<Vec<_>>(),
        payloads
    );
    assert_eq!(
        (recovered.batches_replayed, recovered.bytes_replayed),
        (22, 190 + 4095 + 4096)
    );
    assert_eq!((recovered.bytes_rewritten, recovered.torn_tail), (0, None));
}

#[test]
fn replay_from_any_point_hands_out_what_follows_it_through_many_segments() {
    let (folder, points) = closed_log(300);
    assert_eq!(segments(folder.path()).len(), 4);
    for point in points.into_iter().step_by(17) {
        let (log, recovered, replayed) = try_open(folder.path(), Some(point), OnDamage::Refuse).unwrap();
        assert_eq!(replayed, expected(point.sequence + 1..=300));
        assert_eq!(
            (recovered.batches_replayed, log.synced().sequence),
            (300 - point.sequence, 300)
        );
    }
}

#[test]
fn writing_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let (mut log, recovered, replayed) = open(folder.path());
        assert_eq!(replayed, expected(1..=round * 50));
        assert_eq!(recovered.torn_tail, None);
        write(&mut log, round * 50 + 1..=round * 50 + 50);
    }
}

#[test]
fn a_point_survives_encoding() {
    let (_folder, points) = closed_log(3);
    assert_eq!(LogPoint::decode(&points[2].encode()), points[2]);
}

#[test]
fn what_is_appended_is_durable_only_after_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let first = log.append(&payload(1)).unwrap();
    assert_eq!(log.synced().sequence, 0);
    log.sync().unwrap();
    assert_eq!(log.synced(), first);
    log.append(&payload(2)).unwrap();
    assert_eq!(log.synced(), first);
}

#[test]
fn after_a_kill_what_the_mark_does_not_cover_is_written_again() {
    let folder = killed_log(5);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(
        (recovered.bytes_rewritten, replayed),
        (5 * BATCH_BYTES, expected(1..=5))
    );
    let (_, recovered, _) = open(folder.path());
    assert_eq!(recovered.bytes_rewritten, 0, "opening has written the mark");
}

#[test]
fn a_log_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ..) = open(folder.path());
    assert!(matches!(open_error(folder.path()), OpenError::Locked { .. }));
    drop(log);
    open(folder.path());
}

#[test]
fn a_payload_above_the_bound_is_refused_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let refused = log.append(&vec![1; 4097]);
    assert!(matches!(
        refused,
        Err(AppendError::TooLarge {
            payload_bytes: 4097,
            payload_bytes_max: 4096
        })
    ));
    write(&mut log, 1..=1);
}

#[test]
fn a_reader_reads_along_from_any_point_through_the_sequence_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let points = write(&mut log, 1..=200);
    let reader = log.reader();
    for from in [
        None,
        Some(points[0]),
        Some(points[84]),
        Some(points[85]),
        Some(points[150]),
    ] {
        let mut batches = reader.clone().read(from, 190).unwrap();
        let mut found = Vec::new();
        while let Some((after, payload)) = batches.next_batch().unwrap() {
            assert_eq!(after, points[after.sequence as usize - 1]);
            found.push((after.sequence, payload.to_vec()));
        }
        assert_eq!(found, expected(from.map_or(0, |from| from.sequence) + 1..=190));
    }
}

#[test]
fn a_reader_refuses_a_point_of_another_log() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let points = write(&mut log, 1..=3);
    let from = LogPoint {
        checksum: points[0].checksum ^ 1,
        ..points[0]
    };
    let mut batches = log.reader().read(Some(from), 3).unwrap();
    assert!(matches!(
        batches.next_batch(),
        Err(ReadError::Damaged(Damage {
            sequence: 2,
            fault: Fault::Previous { .. },
            ..
        }))
    ));
}

#[test]
fn a_reader_names_a_bad_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    write(&mut log, 1..=3);
    flip(&first_segment(folder.path()), offset_of(2) + 50);
    let mut batches = log.reader().read(None, 3).unwrap();
    batches.next_batch().unwrap();
    assert!(matches!(
        batches.next_batch(),
        Err(ReadError::Damaged(Damage {
            sequence: 2,
            fault: Fault::Checksum { .. },
            ..
        }))
    ));
}

#[test]
fn an_empty_last_segment_that_is_too_small_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    write(&mut log, 1..=85);
    log.append(&payload(86)).unwrap();
    let killed = copy(folder.path());
    assert_eq!(segments(killed.path()), [1, 86]);
    overwrite(&segment_path(killed.path(), 86), 4096, &[0; BATCH_BYTES as usize]);
    let big = LogOptions {
        segment_bytes: 64 << 10,
        payload_bytes_max: 32 << 10,
        ..options()
    };
    let open_big = |count: &mut u64| {
        let mut replay = |_: ReplayedBatch<'_>| {
            *count += 1;
            Ok(())
        };
        let disk = Arc::new(RealDisk);
        Log::open(disk, killed.path(), big, None, OnDamage::Refuse, &mut replay)
            .unwrap()
            .0
    };
    let mut log = open_big(&mut 0);
    log.append(&[7; 32 << 10]).unwrap();
    log.sync().unwrap();
    log.close().unwrap();
    let mut replayed = 0;
    open_big(&mut replayed);
    assert_eq!((replayed, segments(killed.path())), (86, vec![1, 86]));
}

#[test]
fn an_error_of_the_one_who_replays_ends_the_opening() {
    let (folder, _) = closed_log(3);
    let mut replay = |batch: ReplayedBatch<'_>| match batch.after.sequence {
        2 => Err("no".into()),
        _ => Ok(()),
    };
    let result = Log::open(
        Arc::new(RealDisk),
        folder.path(),
        options(),
        None,
        OnDamage::Refuse,
        &mut replay,
    );
    assert!(matches!(
        result,
        Err(OpenError::Replay {
            after: LogPoint { sequence: 2, .. },
            ..
        })
    ));
}
