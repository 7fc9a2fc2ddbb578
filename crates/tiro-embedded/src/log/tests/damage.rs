//! Damage to what was durable: refused with the exact place, and cut only when loss is accepted.

use super::*;

fn place(damage: &Damage) -> (PathBuf, u64, u64) {
    (damage.file.clone(), damage.offset, damage.sequence)
}

fn remove_mark(folder: &Path) {
    fs::remove_file(folder.join("mark")).unwrap();
}

fn accept(folder: &Path) -> (Log, Recovered, Replayed) {
    try_open(folder, None, OnDamage::AcceptLoss).unwrap()
}

fn set_len(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

#[test]
fn any_wrong_byte_of_a_synced_batch_is_refused() {
    let (folder, _) = closed_log(3);
    let file = first_segment(folder.path());
    for sequence in [2, 3] {
        for offset in offset_of(sequence)..offset_of(sequence) + BATCH_BYTES {
            flip(&file, offset);
            let damage = damage(folder.path());
            assert_eq!(
                place(&damage),
                (file.clone(), offset_of(sequence), sequence),
                "byte {offset}"
            );
            assert_eq!(damage.proof, Proof::Mark { synced_sequence: 3 });
            flip(&file, offset);
        }
    }
    assert_eq!(open(folder.path()).2, expected(1..=3));
}

#[test]
fn without_the_mark_a_later_batch_proves_the_damage() {
    let folder = killed_log(3);
    let file = first_segment(folder.path());
    remove_mark(folder.path());
    for bad in [&[0; BATCH_BYTES as usize][..], &[0xff; 44]] {
        overwrite(&file, offset_of(2), bad);
        let damage = damage(folder.path());
        assert_eq!(place(&damage), (file.clone(), offset_of(2), 2));
        assert_eq!(
            damage.proof,
            Proof::LaterBatch {
                sequence: 3,
                offset: offset_of(3)
            }
        );
    }
}

#[test]
fn without_the_mark_or_a_later_batch_the_last_one_counts_as_torn() {
    let folder = killed_log(3);
    remove_mark(folder.path());
    flip(&first_segment(folder.path()), offset_of(3) + 60);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!((recovered.torn_tail.is_some(), replayed), (true, expected(1..=2)));
}

#[test]
fn a_batch_that_vanished_behind_the_mark_is_damage() {
    let (folder, _) = closed_log(3);
    overwrite(
        &first_segment(folder.path()),
        offset_of(3),
        &[0; BATCH_BYTES as usize],
    );
    let damage = damage(folder.path());
    assert_eq!(
        (damage.sequence, damage.fault, damage.proof),
        (3, Fault::Absent, Proof::Mark { synced_sequence: 3 })
    );
}

#[test]
fn the_message_says_where_what_and_what_to_do() {
    let (folder, _) = closed_log(3);
    flip(&first_segment(folder.path()), offset_of(2) + 60);
    let message = open_error(folder.path()).to_string();
    for part in [
        "0000000000000001.seg at byte 4240",
        "batch 2",
        "checksum",
        "`tiro verify`",
        "--accept-data-loss",
    ] {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn a_refused_opening_changes_nothing() {
    let (folder, _) = closed_log(3);
    let file = first_segment(folder.path());
    flip(&file, offset_of(2) + 60);
    let before = (
        fs::read(&file).unwrap(),
        fs::read(folder.path().join("mark")).unwrap(),
    );
    open_error(folder.path());
    assert_eq!(
        before,
        (
            fs::read(&file).unwrap(),
            fs::read(folder.path().join("mark")).unwrap()
        )
    );
}

#[test]
fn batches_of_another_order_are_damage_even_unproved() {
    let folder = killed_log(3);
    let file = first_segment(folder.path());
    remove_mark(folder.path());
    let second = read(&file, offset_of(2), BATCH_BYTES as usize);
    overwrite(&file, offset_of(3), &second);
    let damage = damage(folder.path());
    assert_eq!(
        (damage.sequence, damage.fault, damage.proof),
        (3, Fault::Sequence { found: 2 }, Proof::NoCrash)
    );
}

#[test]
fn a_batch_of_another_past_is_damage_even_unproved() {
    let folder = killed_log(2);
    let other = copy(folder.path());
    let (mut log, ..) = open(other.path());
    log.append(&payload(77)).unwrap();
    log.append(&payload(78)).unwrap();
    let fourth = read(&first_segment(other.path()), offset_of(4), BATCH_BYTES as usize);
    let (mut log, ..) = open(folder.path());
    write(&mut log, [3]);
    drop(log);
    overwrite(&first_segment(folder.path()), offset_of(4), &fourth);
    let damage = damage(folder.path());
    assert!(matches!(damage.fault, Fault::Previous { .. }), "{damage}");
    assert_eq!((damage.sequence, damage.proof), (4, Proof::NoCrash));
}

#[test]
fn damage_in_a_sealed_segment_is_seen_unless_the_view_is_past_it() {
    let (folder, points) = closed_log(300);
    let file = first_segment(folder.path());
    flip(&file, offset_of(85) + 8);
    let damage = damage(folder.path());
    assert_eq!(place(&damage), (file, offset_of(85), 85));
    assert_eq!(damage.proof, Proof::LaterSegment { first: 86 });
    let (_, _, replayed) = try_open(folder.path(), Some(points[99]), OnDamage::Refuse).unwrap();
    assert_eq!(replayed, expected(101..=300));
}

#[test]
fn any_wrong_byte_of_a_header_is_refused() {
    let (folder, _) = closed_log(100);
    let file = segment_path(folder.path(), 86);
    for offset in (0..64).chain([4000, 4092, 4095]) {
        flip(&file, offset);
        assert_eq!(
            place(&damage(folder.path())),
            (file.clone(), 0, 86),
            "byte {offset}"
        );
        flip(&file, offset);
    }
    open(folder.path());
}

#[test]
fn a_file_of_another_length_is_refused() {
    let (folder, _) = closed_log(100);
    for (first, bytes) in [(1, 5000), (86, 16383), (86, 16385)] {
        let path = segment_path(folder.path(), first);
        let whole = fs::read(&path).unwrap();
        set_len(&path, bytes);
        let fault = Fault::FileLength {
            found: bytes,
            expected: 16384,
        };
        assert_eq!(damage(folder.path()).fault, fault);
        fs::write(&path, whole).unwrap();
    }
    open(folder.path());
}

#[test]
fn one_bad_slot_leaves_the_older_mark() {
    let folder = tempfile::tempdir().unwrap();
    for sequence in 1..=2 {
        let (mut log, ..) = open(folder.path());
        write(&mut log, [sequence]);
    }
    let mark = folder.path().join("mark");
    let newest = load_mark(&RealDisk, folder.path()).unwrap().newest.unwrap();
    assert_eq!(newest.synced.sequence, 2);
    flip(&mark, newest.generation % 2 * 4096 + 40);
    assert_eq!(
        load_mark(&RealDisk, folder.path())
            .unwrap()
            .newest
            .unwrap()
            .synced
            .sequence,
        1
    );
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(
        (recovered.mark, recovered.bytes_rewritten),
        (MarkCondition::OneSlotBad, BATCH_BYTES)
    );
    assert_eq!(replayed, expected(1..=2));
    assert_eq!(open(folder.path()).1.mark, MarkCondition::Good);
}

#[test]
fn two_bad_slots_are_reported_and_written_anew() {
    let (folder, _) = closed_log(3);
    let mark = folder.path().join("mark");
    overwrite(&mark, 0, &[7; 8192]);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!(
        (recovered.mark, replayed),
        (MarkCondition::BothSlotsBad, expected(1..=3))
    );
    assert_eq!(
        load_mark(&RealDisk, folder.path())
            .unwrap()
            .newest
            .unwrap()
            .synced
            .sequence,
        3
    );
}

#[test]
fn a_mark_of_another_past_is_refused() {
    let (folder, _) = closed_log(3);
    let newest = load_mark(&RealDisk, folder.path()).unwrap().newest.unwrap();
    edit_page(
        &folder.path().join("mark"),
        newest.generation % 2 * 4096,
        |page| page[64] ^= 1,
    );
    assert!(matches!(
        open_error(folder.path()),
        OpenError::MarkDisagrees { .. }
    ));
    assert_eq!(accept(folder.path()).2, expected(1..=3));
    assert_eq!(open(folder.path()).2, expected(1..=3));
}

#[test]
fn accepted_loss_cuts_the_last_segment_at_the_damage() {
    let (folder, _) = closed_log(5);
    flip(&first_segment(folder.path()), offset_of(3) + 60);
    let (mut log, recovered, replayed) = accept(folder.path());
    assert_eq!(
        (recovered.accepted_loss.unwrap().sequence, replayed),
        (3, expected(1..=2))
    );
    write(&mut log, 3..=3);
    drop(log);
    let (_, recovered, replayed) = open(folder.path());
    assert_eq!((recovered.accepted_loss, replayed), (None, expected(1..=3)));
}

#[test]
fn accepted_loss_cuts_a_sealed_segment_and_sets_later_ones_aside() {
    let (folder, _) = closed_log(300);
    flip(&segment_path(folder.path(), 86), 4096 + 60);
    let (mut log, recovered, replayed) = accept(folder.path());
    assert_eq!(
        (recovered.accepted_loss.unwrap().sequence, replayed),
        (86, expected(1..=85))
    );
    assert_eq!(segments(folder.path()), [1, 86]);
    assert!(segment_path(folder.path(), 171).with_extension("lost").exists());
    write(&mut log, 86..=400);
    drop(log);
    assert_eq!(open(folder.path()).2, expected(1..=400));
}

#[test]
fn accepted_loss_of_a_header_a_file_or_its_end_keeps_what_is_before() {
    let harms: [fn(&Path); 3] = [
        |path| flip(path, 20),
        |path| fs::remove_file(path).unwrap(),
        |path| set_len(path, 4096),
    ];
    for harm in harms {
        let (folder, _) = closed_log(300);
        harm(&segment_path(folder.path(), 86));
        open_error(folder.path());
        let (mut log, recovered, replayed) = accept(folder.path());
        assert_eq!(
            (recovered.accepted_loss.unwrap().sequence, replayed),
            (86, expected(1..=85))
        );
        write(&mut log, 86..=200);
        drop(log);
        assert_eq!(open(folder.path()).2, expected(1..=200));
    }
}

#[test]
fn loss_of_what_the_view_has_applied_is_not_accepted_with_the_view() {
    let (folder, points) = closed_log(300);
    flip(&segment_path(folder.path(), 86), 4096 + 60);
    let names = segments(folder.path());
    let view = Some(points[89]);
    let refused = try_open(folder.path(), view, OnDamage::AcceptLoss).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::ViewAhead {
                log_end_sequence: 85,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(segments(folder.path()), names);
}

#[test]
fn nothing_is_cut_that_the_view_has_applied() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, ..) = open(folder.path());
    let points = write(&mut log, 1..=3);
    let folder = copy(folder.path());
    let file = first_segment(folder.path());
    flip(&file, offset_of(3) + 60);
    let before = fs::read(&file).unwrap();
    let refused = try_open(folder.path(), Some(points[2]), OnDamage::Refuse).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::ViewAhead {
                log_end_sequence: 2,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_view_of_another_log_disagrees() {
    let (folder, points) = closed_log(100);
    let right = points[50];
    let last = points[99];
    for view in [
        LogPoint {
            checksum: right.checksum ^ 1,
            ..right
        },
        LogPoint {
            offset: right.offset + 8,
            ..right
        },
        LogPoint {
            sequence: right.sequence + 1,
            ..right
        },
        LogPoint {
            segment_first: 2,
            ..right
        },
        LogPoint {
            segment_first: 86,
            ..right
        },
        LogPoint {
            segment_first: 1,
            ..last
        },
        LogPoint {
            checksum: last.checksum ^ 1,
            ..last
        },
    ] {
        let refused = try_open(folder.path(), Some(view), OnDamage::Refuse).unwrap_err();
        assert!(
            matches!(refused, OpenError::ViewDisagrees { .. }),
            "{view}: {refused}"
        );
    }
}
