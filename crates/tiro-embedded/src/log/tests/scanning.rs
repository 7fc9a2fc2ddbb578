//! Scanning the whole log for `tiro verify`.

use super::*;

fn scan_all(folder: &Path) -> (ScanReport, Vec<u64>) {
    let mut found = Vec::new();
    let mut last = None;
    let mut on_batch = |after: LogPoint, bytes: &[u8]| {
        assert_eq!(bytes, payload(after.sequence));
        found.push(after.sequence);
    };
    let report = scan(&RealDisk, folder, &mut on_batch, &mut |progress| {
        assert!(last.is_none_or(|last: ScanProgress| last.bytes_done <= progress.bytes_done));
        last = Some(progress);
    });
    let (report, last) = (report.unwrap(), last.unwrap());
    assert_eq!(last.bytes_done, last.bytes_total);
    (report, found)
}

fn ranges(report: &ScanReport) -> Vec<(u64, Option<u64>)> {
    report
        .damages
        .iter()
        .map(|damage| (damage.sequence, damage.last_sequence))
        .collect()
}

#[test]
fn a_sound_log_is_sound() {
    let (folder, points) = closed_log(300);
    let (report, found) = scan_all(folder.path());
    assert!(report.is_sound());
    assert_eq!(found, (1..=300).collect::<Vec<_>>());
    assert_eq!(
        (report.segments, report.batches, report.payload_bytes),
        (4, 300, 300 * 104)
    );
    assert_eq!(
        (report.end, report.torn_tail, report.mark),
        (Some(points[299]), None, MarkCondition::Good)
    );
}

#[test]
fn every_damage_is_named_with_its_sequences_and_the_rest_is_read() {
    let (folder, _) = closed_log(300);
    let path = |first| segment_path(folder.path(), first);
    flip(&path(1), offset_of(10) + 60);
    overwrite(&path(1), offset_of(20), &[0; 3 * BATCH_BYTES as usize]);
    flip(&path(1), offset_of(85) + 60);
    flip(&path(86), 20);
    flip(&path(256), 4096 + 44 * BATCH_BYTES + 60);
    let (report, found) = scan_all(folder.path());
    let lost = [
        (86, None),
        (10, Some(10)),
        (20, Some(22)),
        (85, Some(85)),
        (300, Some(300)),
    ];
    assert_eq!(ranges(&report), lost);
    let lost: Vec<u64> = [10, 20, 21, 22]
        .into_iter()
        .chain(85..=170)
        .chain([300])
        .collect();
    assert_eq!(
        found,
        (1..=300)
            .filter(|sequence| !lost.contains(sequence))
            .collect::<Vec<_>>()
    );
    assert!(report.misplaced.is_empty());
}

#[test]
fn a_missing_file_costs_only_its_own_batches() {
    let (folder, _) = closed_log(300);
    fs::remove_file(segment_path(folder.path(), 86)).unwrap();
    let (report, found) = scan_all(folder.path());
    assert_eq!(ranges(&report), [(86, Some(170))]);
    assert_eq!(found, (1..=85).chain(171..=300).collect::<Vec<_>>());
}

#[test]
fn a_torn_tail_is_no_damage() {
    let folder = killed_log(3);
    flip(&first_segment(folder.path()), offset_of(3) + 60);
    let before = fs::read(first_segment(folder.path())).unwrap();
    let (report, found) = scan_all(folder.path());
    assert!(report.is_sound());
    assert_eq!(
        (report.torn_tail.unwrap().offset, found),
        (offset_of(3), vec![1, 2])
    );
    assert_eq!(
        fs::read(first_segment(folder.path())).unwrap(),
        before,
        "a scan changes nothing"
    );
}

#[test]
fn misplaced_files_are_listed() {
    let (folder, _) = closed_log(300);
    let (foreign, _) = closed_log(300);
    fs::copy(
        segment_path(foreign.path(), 171),
        segment_path(folder.path(), 171),
    )
    .unwrap();
    let (report, found) = scan_all(folder.path());
    assert!(matches!(&report.misplaced[..], [OpenError::Foreign { .. }]));
    assert_eq!((report.damages.len(), found.len()), (0, 300 - 85));
}
