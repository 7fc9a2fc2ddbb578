//! The medium: what the embedded engine makes of crashes, failing disks, damage and limits of the machine.
//!
//! [`media`] is a disk in memory that knows what is durable and what is only in the page cache; [`memory_disk`] lets the
//! log use it, with faults, and records every step. [`trace`] gets the same steps for a whole data folder from `strace`.
//! [`workload`] knows the state after each request, and [`judge`] holds what opens against it.
//! `TIRO_FULL=1` runs all images of a crash instead of a sample; `TIRO_SEED` repeats a sample.

#![expect(
    clippy::unwrap_used,
    reason = "a failure of the test's own machinery ends the test"
)]

mod batches;
mod clock;
mod counts;
mod crashes;
mod damage;
mod failing;
mod full_disk;
mod image;
mod judge;
mod limits;
mod media;
mod memory_disk;
mod neighbours;
mod power;
mod store;
mod strace;
mod trace;
mod view_damage;
mod view_faults;
mod view_space;
mod whole_folder;
mod wish;
mod workload;
