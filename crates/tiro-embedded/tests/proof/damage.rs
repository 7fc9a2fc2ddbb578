//! Damage to what was synced: every region of every batch, header page and mark, whole files lost or in the wrong place.
//!
//! It is found each time and named exactly, by opening and by scanning, or it is harmless. It is never a silent loss.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastrand::Rng;
use tiro_embedded::OpenError as EngineOpenError;
use tiro_embedded::log::{Damage, Fault, Log, MarkCondition, OnDamage, OpenError, ScanReport, scan};

use crate::counts;
use crate::image::Fate;
use crate::judge::Known;
use crate::media::{Image, Media};
use crate::memory_disk::{MemoryDisk, Shared};
use crate::store::{Store, export, log_options};
use crate::workload::Workload;

const ROOT: &str = "/data";

/// Parts of a header page: name, offset, bytes.
const PAGE_REGIONS: [(&str, usize, usize); 9] = [
    ("magic", 0, 8),
    ("version", 8, 2),
    ("unused", 10, 6),
    ("data set", 16, 16),
    ("first or generation", 32, 8),
    ("previous first or segment", 40, 8),
    ("capacity or offset", 48, 8),
    ("rest", 56, 4036),
    ("checksum", 4092, 4),
];
/// Parts of a batch's header.
const BATCH_REGIONS: [(&str, usize, usize); 9] = [
    ("magic", 0, 4),
    ("checksum", 4, 4),
    ("version", 8, 2),
    ("flags", 10, 2),
    ("length", 12, 4),
    ("sequence", 16, 8),
    ("synced through", 24, 8),
    ("previous", 32, 4),
    ("reserved", 36, 4),
];

/// A closed log of several segments.
struct Closed {
    image: Image,
    /// Paths of its segments, ascending.
    segments: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
struct Batch {
    path: PathBuf,
    offset: usize,
    bytes: usize,
    sequence: u64,
}

impl Closed {
    fn new(seed: u64) -> Closed {
        let workload = Workload::new(300, seed);
        let store = Store::empty();
        let engine = store.open().unwrap();
        assert_eq!(store.play(&engine, &workload, 0).acknowledged, workload.len());
        engine.close().unwrap();
        let mut image = store.disk.media().image(Fate::Dropped, &mut Rng::with_seed(1));
        image.remove(Path::new("log/next.seg"));
        let is_segment = |path: &&PathBuf| path.extension().is_some_and(|end| end == "seg");
        let segments: Vec<PathBuf> = image.keys().filter(is_segment).cloned().collect();
        assert!(segments.len() >= 2, "{segments:?}");
        Closed { image, segments }
    }

    fn bytes(&self, path: &Path) -> &[u8] {
        self.image[path].as_ref().unwrap()
    }

    fn with(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) -> Image {
        let mut image = self.image.clone();
        edit(image.get_mut(path).unwrap().as_mut().unwrap());
        image
    }

    /// All batches, in order, found as the format's description says.
    fn batches(&self) -> Vec<Batch> {
        let mut batches = Vec::new();
        for path in &self.segments {
            let bytes = self.bytes(path);
            let mut offset = 4096;
            while bytes[offset..].starts_with(b"\xfeTB\xff") {
                let length = u32::from_le_bytes(bytes[offset + 12..offset + 16].try_into().unwrap());
                let sequence = u64::from_le_bytes(bytes[offset + 16..offset + 24].try_into().unwrap());
                let whole = (40 + length as usize).next_multiple_of(8);
                batches.push(Batch {
                    path: path.clone(),
                    offset,
                    bytes: whole,
                    sequence,
                });
                offset += whole;
            }
        }
        assert_eq!(batches.last().unwrap().sequence, batches.len() as u64);
        batches
    }
}

fn disk_of(image: &Image) -> Arc<MemoryDisk> {
    MemoryDisk::of(Path::new(ROOT), Media::holding(image))
}

fn try_open(image: &Image) -> Result<MarkCondition, OpenError> {
    let disk = Arc::new(Shared(disk_of(image)));
    let folder = Path::new(ROOT).join("log");
    let opened = Log::open(disk, &folder, log_options(), None, OnDamage::Refuse, &mut |_| {
        Ok(())
    });
    opened.map(|(_, recovered)| {
        assert_eq!(recovered.torn_tail, None, "synced bytes were cut off");
        recovered.mark
    })
}

fn try_scan(image: &Image) -> ScanReport {
    let disk = Shared(disk_of(image));
    scan(&disk, &Path::new(ROOT).join("log"), &mut |_, _| {}, &mut |_| {}).unwrap()
}

/// Both opening and scanning name this damage, as the first.
fn check_named(what: &str, image: &Image, is_it: impl Fn(&Damage) -> bool) {
    match try_open(image) {
        Err(OpenError::Damaged(damage)) => assert!(is_it(&damage), "{what}: opening says {damage}"),
        Err(other) => panic!("{what}: opening says {other}"),
        Ok(_) => panic!("{what}: the damage was not found"),
    }
    let report = try_scan(image);
    let first = report.damages.first();
    assert!(
        first.is_some_and(is_it),
        "{what}: scanning says {:?}",
        report.damages
    );
}

fn is_at(file: &Path, offset: usize, sequence: u64) -> impl Fn(&Damage) -> bool {
    let file = Path::new(ROOT).join(file);
    move |damage| damage.file == file && damage.offset == offset as u64 && damage.sequence == sequence
}

/// Ways to spoil some bytes.
fn spoiled(bytes: &mut [u8], way: usize) {
    match way {
        0 => bytes[0] ^= 0x01,
        1 => *bytes.last_mut().unwrap() ^= 0x80,
        2 => bytes.fill(0),
        _ => bytes.fill(0xff),
    }
}

const WAYS: usize = 4;

#[test]
fn every_region_of_every_batch_is_guarded_and_its_damage_is_named_exactly() {
    let closed = Closed::new(21);
    let mut spoilt = 0;
    for batch in closed.batches() {
        let payload = batch.bytes - 40;
        let parts = [
            ("payload's start", 40, payload.min(1)),
            ("payload's middle", 40 + payload / 2, 1),
            ("payload's end and padding", batch.bytes - 8, 8),
            ("all", 0, batch.bytes),
        ];
        for (region, offset, bytes) in BATCH_REGIONS.into_iter().chain(parts) {
            for way in 0..WAYS {
                let at = batch.offset + offset..batch.offset + offset + bytes;
                let image = closed.with(&batch.path, |file| spoiled(&mut file[at], way));
                if image != closed.image {
                    let what = format!("{region} of {batch:?}, way {way}");
                    check_named(&what, &image, is_at(&batch.path, batch.offset, batch.sequence));
                    spoilt += 1;
                }
            }
        }
    }
    println!("{spoilt} images of {} batches", closed.batches().len());
}

#[test]
fn every_region_of_every_header_page_is_guarded_and_its_damage_is_named_exactly() {
    let closed = Closed::new(22);
    for path in &closed.segments {
        let first = u64::from_str_radix(path.file_stem().unwrap().to_str().unwrap(), 16).unwrap();
        for (region, offset, bytes) in PAGE_REGIONS {
            for way in 0..WAYS {
                let image = closed.with(path, |file| spoiled(&mut file[offset..offset + bytes], way));
                if image != closed.image {
                    check_named(
                        &format!("{region} of {path:?}, way {way}"),
                        &image,
                        is_at(path, 0, first),
                    );
                }
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_named_with_the_place() {
    let closed = Closed::new(23);
    for path in &closed.segments {
        let first = u64::from_str_radix(path.file_stem().unwrap().to_str().unwrap(), 16).unwrap();
        let whole = closed.bytes(path).len();
        let cuts = (0..whole).step_by(509).chain([4095, 4096, 4097, whole - 1]);
        for cut in cuts {
            let image = closed.with(path, |file| file.truncate(cut));
            let offset = if cut < 4096 { 0 } else { cut };
            check_named(
                &format!("{path:?} cut at {cut}"),
                &image,
                is_at(path, offset, first),
            );
        }
    }
}

#[test]
fn a_spoiled_mark_loses_nothing_and_is_reported() {
    let closed = Closed::new(24);
    let mark = Path::new("log/mark");
    for slots in [vec![0], vec![1], vec![0, 1]] {
        for (region, offset, bytes) in PAGE_REGIONS {
            for way in 0..WAYS {
                let image = closed.with(mark, |file| {
                    for slot in &slots {
                        spoiled(&mut file[slot * 4096 + offset..][..bytes], way);
                    }
                });
                if image == closed.image {
                    continue;
                }
                let expected = if slots.len() == 2 {
                    MarkCondition::BothSlotsBad
                } else {
                    MarkCondition::OneSlotBad
                };
                let what = format!("{region} of slots {slots:?}, way {way}");
                let found = try_open(&image).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(found, expected, "{what}");
                assert_eq!(try_scan(&image).mark, expected, "{what}");
            }
        }
    }
    for cut in [0, 1, 4095, 4096, 4097, 8191] {
        let found = try_open(&closed.with(mark, |file| file.truncate(cut)));
        assert_ne!(found.unwrap(), MarkCondition::Missing, "cut at {cut}");
    }
}

#[test]
fn a_segment_that_is_missing_swapped_foreign_or_from_before_is_named() {
    let (closed, other) = (Closed::new(25), Closed::new(25));
    for (path, others) in closed.segments.iter().zip(&other.segments) {
        let named = Path::new(ROOT).join(path);
        let mut missing = closed.image.clone();
        missing.remove(path);
        check_named("missing", &missing, |damage| {
            damage.file == named && damage.fault == Fault::Missing
        });

        let foreign = closed.with(path, |file| file.clone_from_slice(other.bytes(others)));
        let error = try_open(&foreign).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert!(!try_scan(&foreign).is_sound());
    }
    let [one, two] = [&closed.segments[0], &closed.segments[1]];
    let mut swapped = closed.with(one, |file| file.clone_from_slice(closed.bytes(two)));
    swapped.insert(two.clone(), closed.image[one].clone());
    match try_open(&swapped).unwrap_err() {
        OpenError::Swapped { file, found_first } => {
            assert_eq!(file, Path::new(ROOT).join(one));
            assert!(two.to_str().unwrap().contains(&format!("{found_first:016x}")));
        }
        error => panic!("{error}"),
    }
    assert!(!try_scan(&swapped).is_sound());

    let last = closed.batches().pop().unwrap();
    let earlier = closed.with(&last.path, |file| file[last.offset..].fill(0));
    check_named(
        "the last segment as it was",
        &earlier,
        is_at(&last.path, last.offset, last.sequence),
    );

    let mut marked_elsewhere = closed.image.clone();
    marked_elsewhere.insert("log/mark".into(), other.image[Path::new("log/mark")].clone());
    let error = try_open(&marked_elsewhere).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn an_engine_does_not_open_on_a_damaged_log_unless_its_view_has_all_of_it() {
    let seed = counts::seed();
    let mut rng = Rng::with_seed(seed);
    let (workload, image) = closed_with_view(26);
    let known = Known {
        submitted: workload.len(),
        acknowledged: workload.len(),
        view_sequence: 0,
    };
    let segments: Vec<PathBuf> = image
        .keys()
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .cloned()
        .collect();
    let (mut refused, mut opened) = (0, 0);
    for _ in 0..counts::count(100, 2_000) {
        let path = segments[rng.usize(0..segments.len())].clone();
        let mut damaged = image.clone();
        let file = damaged.get_mut(&path).unwrap().as_mut().unwrap();
        let end = file.iter().rposition(|byte| *byte != 0).unwrap();
        file[rng.usize(0..end)] ^= 1 << rng.u32(0..8);
        if rng.bool() {
            damaged.retain(|path, _| !path.starts_with("view"));
        }
        let store = Store::holding(&damaged);
        match store.open() {
            Err(EngineOpenError::Log(OpenError::Damaged(damage))) => {
                assert_eq!(damage.file, store.path().join(&path));
                refused += 1;
            }
            Err(error) => panic!("{error}"),
            Ok(engine) => {
                assert!(
                    damaged.keys().any(|path| path.starts_with("view")),
                    "damage was not found"
                );
                workload.requests_in(&export(&engine), known.acknowledged, known.submitted);
                drop(engine);
                assert!(!try_scan(&damaged).is_sound(), "damage was not found by scanning");
                opened += 1;
            }
        }
    }
    println!("{refused} were refused, {opened} opened with everything, since the view has it");
    assert!(refused > 0 && opened > 0);
}

/// A workload and the folder it leaves when all of it is stopped cleanly, twice.
pub(crate) fn closed_with_view(seed: u64) -> (Workload, Image) {
    let workload = Workload::new(200, seed);
    let store = Store::empty();
    let mut from = 0;
    for part in [workload.first(120), workload.first(200)] {
        let engine = store.open().unwrap();
        from = store.play(&engine, &part, from).acknowledged;
        engine.close().unwrap();
    }
    assert_eq!(from, workload.len());
    let mut image = store.disk.media().image(Fate::Dropped, &mut Rng::with_seed(1));
    image.remove(Path::new("log/next.seg"));
    image.extend(crate::store::read_image(store.path()));
    (workload, image)
}
