//! Files that are missing, in the wrong place, of another data folder, or of a newer version.

use super::*;

#[test]
fn a_missing_segment_is_named() {
    for (missing, last) in [(1, Some(85)), (86, Some(170)), (171, Some(255)), (256, None)] {
        let (folder, points) = closed_log(300);
        fs::remove_file(segment_path(folder.path(), missing)).unwrap();
        let damage = damage(folder.path());
        assert_eq!(
            (damage.file, damage.fault),
            (segment_path(folder.path(), missing), Fault::Missing)
        );
        assert_eq!((damage.sequence, damage.last_sequence), (missing, last));
        let refused = try_open(folder.path(), Some(points[299]), OnDamage::Refuse);
        assert!(
            matches!(refused, Err(OpenError::Damaged(_))),
            "even behind the view"
        );
    }
}

#[test]
fn a_mark_without_segments_is_not_a_new_log() {
    let (folder, _) = closed_log(3);
    fs::remove_file(first_segment(folder.path())).unwrap();
    for on_damage in [OnDamage::Refuse, OnDamage::AcceptLoss] {
        let refused = try_open(folder.path(), None, on_damage).unwrap_err();
        assert!(
            matches!(
                refused,
                OpenError::Damaged(Damage {
                    proof: Proof::MarkFile,
                    ..
                })
            ),
            "{refused}"
        );
    }
}

#[test]
fn swapped_segments_are_named_and_never_cut() {
    let (folder, _) = closed_log(300);
    let (one, two) = (segment_path(folder.path(), 86), segment_path(folder.path(), 171));
    let other = folder.path().join("other");
    fs::rename(&one, &other).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&other, &two).unwrap();
    for on_damage in [OnDamage::Refuse, OnDamage::AcceptLoss] {
        match try_open(folder.path(), None, on_damage).unwrap_err() {
            OpenError::Swapped { file, found_first } => assert_eq!((&file, found_first), (&one, 171)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_segment_of_another_data_set_is_named_and_never_cut() {
    let (folder, _) = closed_log(300);
    let (foreign, _) = closed_log(300);
    let file = segment_path(folder.path(), 171);
    fs::copy(segment_path(foreign.path(), 171), &file).unwrap();
    for on_damage in [OnDamage::Refuse, OnDamage::AcceptLoss] {
        let refused = try_open(folder.path(), None, on_damage).unwrap_err();
        assert!(
            matches!(&refused, OpenError::Foreign { file: named, .. } if *named == file),
            "{refused}"
        );
    }
}

#[test]
fn a_mark_of_another_data_set_is_named() {
    let (folder, _) = closed_log(3);
    let (foreign, _) = closed_log(3);
    let mark = folder.path().join("mark");
    fs::copy(foreign.path().join("mark"), &mark).unwrap();
    let refused = open_error(folder.path());
    assert!(
        matches!(&refused, OpenError::Foreign { file, .. } if *file == mark),
        "{refused}"
    );
}

#[test]
fn a_batch_of_another_data_set_is_not_taken_for_ours() {
    let (folder, _) = closed_log(1);
    let (foreign, _) = closed_log(1);
    let batch = read(&first_segment(foreign.path()), offset_of(1), BATCH_BYTES as usize);
    overwrite(&first_segment(folder.path()), offset_of(1), &batch);
    assert!(matches!(damage(folder.path()).fault, Fault::Checksum { .. }));
}

#[test]
fn a_segment_put_back_beside_a_newer_history_is_stray() {
    let (folder, _) = closed_log(300);
    flip(&first_segment(folder.path()), offset_of(50) + 60);
    let (mut log, ..) = try_open(folder.path(), None, OnDamage::AcceptLoss).unwrap();
    write(&mut log, 50..=100);
    drop(log);
    assert_eq!(segments(folder.path()), [1, 86]);
    fs::rename(
        segment_path(folder.path(), 171).with_extension("lost"),
        segment_path(folder.path(), 171),
    )
    .unwrap();
    open_error(folder.path());
    fs::copy(segment_path(folder.path(), 86), segment_path(folder.path(), 40)).unwrap();
    edit_page(&segment_path(folder.path(), 40), 0, |page| page[32] = 40);
    let refused = open_error(folder.path());
    assert!(
        matches!(refused, OpenError::Stray { next_follows: 1, .. }),
        "{refused}"
    );
}

#[test]
fn a_newer_version_is_refused_and_both_versions_are_named() {
    let (folder, _) = closed_log(3);
    let file = first_segment(folder.path());
    let mark = folder.path().join("mark");
    let newest = load_mark(&RealDisk, folder.path())
        .unwrap()
        .newest
        .unwrap()
        .generation
        % 2
        * 4096;
    let header = read(&file, 0, 4096);
    edit_page(&file, 0, |page| page[8] = 3);
    check_newer(folder.path(), &file, 0);
    overwrite(&file, 0, &header);
    edit_page(&mark, newest, |page| page[8] = 3);
    check_newer(folder.path(), &mark, newest);
    edit_page(&mark, newest, |page| page[8] = 2);
    make_batch_newer(&file, offset_of(2));
    check_newer(folder.path(), &file, offset_of(2));
}

fn check_newer(folder: &Path, expected: &Path, at: u64) {
    for on_damage in [OnDamage::Refuse, OnDamage::AcceptLoss] {
        let refused = try_open(folder, None, on_damage).unwrap_err();
        let OpenError::Newer {
            file,
            offset,
            version: 3,
        } = &refused
        else {
            panic!("{refused}")
        };
        assert_eq!((file.as_path(), *offset), (expected, at));
        assert!(
            refused.to_string().contains("version 3; this program knows 2"),
            "{refused}"
        );
    }
}

fn make_batch_newer(file: &Path, offset: u64) {
    let data_set = read(file, 16, 16);
    let mut batch = read(file, offset, BATCH_BYTES as usize);
    batch[8] = 3;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&data_set), &batch[8..]);
    batch[4..8].copy_from_slice(&checksum.to_le_bytes());
    overwrite(file, offset, &batch);
}
