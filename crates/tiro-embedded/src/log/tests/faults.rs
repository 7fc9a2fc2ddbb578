//! A disk that fails: what poisons the log, what does not, and a process that dies at any step.

use std::sync::atomic::Ordering::SeqCst;

use tiro_conformance::eventually;

use super::faulty_disk::{Faults, FaultyDisk};
use super::*;

fn open_on(faults: &Arc<Faults>, folder: &Path, options: LogOptions) -> Result<Log, OpenError> {
    let disk = Arc::new(FaultyDisk(Arc::clone(faults)));
    Log::open(disk, folder, options, None, OnDamage::Refuse, &mut |_| Ok(())).map(|(log, _)| log)
}

fn check_poisoned(log: &mut Log) {
    assert!(matches!(log.append(&payload(9)), Err(AppendError::Failed(_))));
    assert!(log.sync().is_err());
}

#[test]
fn a_failed_sync_poisons_for_ever_and_is_not_repeated() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    write(&mut log, 1..=2);
    log.append(&payload(3)).unwrap();
    *faults.bad_syncs.lock() = Some("1.seg");
    assert!(log.sync().is_err());
    assert_eq!(log.synced().sequence, 2);
    check_poisoned(&mut log);
    assert_eq!(faults.failed_syncs.load(SeqCst), 1);
    *faults.bad_syncs.lock() = None;
    check_poisoned(&mut log);
    assert!(log.close().is_err());
    assert_eq!(open(folder.path()).2, expected(1..=3));
}

#[test]
fn a_failed_write_poisons_for_ever() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    write(&mut log, 1..=2);
    *faults.bad_writes.lock() = Some("1.seg");
    assert!(matches!(log.append(&payload(3)), Err(AppendError::Failed(_))));
    *faults.bad_writes.lock() = None;
    check_poisoned(&mut log);
    drop(log);
    assert_eq!(open(folder.path()).2, expected(1..=2));
}

#[test]
fn a_failed_mark_poisons() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let often = LogOptions {
        mark_interval: Duration::ZERO,
        ..options()
    };
    let mut log = open_on(&faults, folder.path(), often).unwrap();
    *faults.bad_syncs.lock() = Some("mark");
    log.append(&payload(1)).unwrap();
    log.sync().unwrap();
    eventually("the log is poisoned", || log.sync().is_err().then_some(()));
    check_poisoned(&mut log);
}

#[test]
fn a_segment_that_cannot_be_begun_poisons() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    write(&mut log, 1..=85);
    let whole = folder.path().to_str().unwrap().to_owned();
    *faults.bad_syncs.lock() = Some(whole.leak());
    assert!(matches!(log.append(&payload(86)), Err(AppendError::Failed(_))));
    *faults.bad_syncs.lock() = None;
    check_poisoned(&mut log);
    drop(log);
    assert_eq!(open(folder.path()).2, expected(1..=85));
}

#[test]
fn a_full_disk_refuses_only_what_needs_a_new_segment_and_heals_by_itself() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    write(&mut log, 1..=1);
    faults.full.store(true, SeqCst);
    // One segment may have been prepared before the disk was full.
    let refused = (2..=171).find(|&sequence| match log.append(&payload(sequence)) {
        Ok(_) => false,
        Err(AppendError::StorageFull) => true,
        Err(other) => panic!("{other}"),
    });
    let refused = refused.unwrap();
    assert!(
        refused == 86 || refused == 171,
        "{refused} is the first of a segment"
    );
    log.sync().unwrap();
    assert!(matches!(
        log.append(&payload(refused)),
        Err(AppendError::StorageFull)
    ));
    faults.full.store(false, SeqCst);
    eventually("there is room again", || log.append(&payload(refused)).ok());
    write(&mut log, refused + 1..=300);
    log.close().unwrap();
    assert_eq!(open(folder.path()).2, expected(1..=300));
}

#[test]
fn below_the_floor_nothing_is_appended_until_there_is_space() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let floor = LogOptions {
        free_floor_bytes: 1 << 20,
        ..options()
    };
    faults.free_bytes.store((1 << 20) - 1, SeqCst);
    let mut log = open_on(&faults, folder.path(), floor).unwrap();
    assert!(matches!(log.append(&payload(1)), Err(AppendError::StorageFull)));
    log.sync().unwrap();
    faults.free_bytes.store(1 << 20, SeqCst);
    eventually("there is space again", || log.append(&payload(1)).ok());
    log.sync().unwrap();
    assert!(
        !folder.path().join("next.seg").exists(),
        "the floor leaves no room for a segment"
    );
}

#[test]
fn short_and_interrupted_writes_are_completed() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    faults.slow.store(true, SeqCst);
    write(&mut log, 1..=3);
    faults.slow.store(false, SeqCst);
    log.close().unwrap();
    assert_eq!(open(folder.path()).2, expected(1..=3));
}

#[test]
fn the_mark_follows_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let often = LogOptions {
        mark_interval: Duration::from_millis(1),
        ..options()
    };
    let mut log = open_on(&Arc::new(Faults::default()), folder.path(), often).unwrap();
    for sequence in 1..=3 {
        let point = write(&mut log, [sequence])[0];
        eventually("the mark", || {
            let newest = load_mark(&RealDisk, folder.path()).unwrap().newest;
            newest.filter(|mark| mark.synced == point)
        });
    }
}

#[test]
fn a_process_that_dies_at_any_step_keeps_what_it_had_acknowledged() {
    for steps in 1..=260 {
        let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
        faults.dies_after.store(steps, SeqCst);
        let mut acknowledged = 0;
        for _ in 0..2 {
            let Ok(mut log) = open_on(&faults, folder.path(), options()) else {
                break;
            };
            for sequence in acknowledged + 1..=acknowledged + 90 {
                if log.append(&payload(sequence)).is_err() || log.sync().is_err() {
                    break;
                }
                acknowledged = sequence;
            }
        }
        let (_, _, replayed) = open(folder.path());
        let found = replayed.len() as u64;
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "{found} of {acknowledged}, died after {steps}"
        );
        assert_eq!(replayed, expected(1..=found));
    }
}

#[test]
fn a_segment_is_left_only_when_all_of_it_is_durable() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Arc::new(Faults::default()));
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    for sequence in 1..=86 {
        log.append(&payload(sequence)).unwrap();
    }
    assert_eq!(log.synced().sequence, 85);
    // Opened again, so that the file has its own name.
    drop(log);
    let mut log = open_on(&faults, folder.path(), options()).unwrap();
    for sequence in 87..=170 {
        log.append(&payload(sequence)).unwrap();
    }
    *faults.bad_syncs.lock() = Some("0056.seg");
    assert!(matches!(log.append(&payload(171)), Err(AppendError::Failed(_))));
    assert_eq!(segments(folder.path()), [1, 86]);
}

#[test]
fn the_mark_is_written_when_a_segment_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = open_on(&Arc::new(Faults::default()), folder.path(), options()).unwrap();
    write(&mut log, 1..=86);
    eventually("the mark", || {
        let newest = load_mark(&RealDisk, folder.path()).unwrap().newest;
        newest.filter(|mark| mark.synced.sequence >= 85)
    });
}

#[test]
fn a_log_does_not_open_before_what_the_mark_does_not_cover_is_written_and_synced() {
    let folder = killed_log(3);
    let faults = Arc::new(Faults::default());
    let replayed = |faults: &Arc<Faults>| {
        let mut count = 0;
        let mut replay = |_: ReplayedBatch<'_>| {
            count += 1;
            Ok(())
        };
        let disk = Arc::new(FaultyDisk(Arc::clone(faults)));
        let opened = Log::open(
            disk,
            folder.path(),
            options(),
            None,
            OnDamage::Refuse,
            &mut replay,
        );
        (opened.is_ok(), count)
    };
    *faults.bad_writes.lock() = Some("1.seg");
    assert_eq!(replayed(&faults), (false, 0));
    *faults.bad_writes.lock() = None;
    *faults.bad_syncs.lock() = Some("1.seg");
    assert_eq!(replayed(&faults), (false, 0));
    *faults.bad_syncs.lock() = None;
    assert_eq!(replayed(&faults), (true, 3));
}
