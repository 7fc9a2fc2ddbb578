//! What one fdatasync costs here: the floor under every acknowledged write.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use crate::bench::Plan;
use crate::bench::compare::median;
use crate::bench::report::{Row, Unit, thousands};

const BLOCK_BYTES: usize = 4_096;

/// Writes a block and syncs it, again and again, into a file that was filled with zeros and synced before.
pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let folder = plan.temporary_folder()?;
    let file = File::create(folder.path().join("zero-filled"))?;
    let blocks = plan.disk_syncs;
    for block in 0..blocks {
        file.write_all_at(&[0; BLOCK_BYTES], (block * BLOCK_BYTES) as u64)?;
    }
    file.sync_all()?;
    let mut times_ms = Vec::with_capacity(blocks);
    for block in 0..blocks {
        let begun = Instant::now();
        file.write_all_at(&[1; BLOCK_BYTES], (block * BLOCK_BYTES) as u64)?;
        file.sync_data()?;
        times_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let median_ms = median(times_ms);
    Ok(vec![Row::reported(
        "4 KiB and fdatasync into a zero-filled file, one by one",
        Unit::Milliseconds,
        median_ms,
        format!("median of {blocks}; {} a second", thousands(1_000.0 / median_ms)),
    )])
}
