//! Where and when a run took place.

use std::fs;

use serde::Serialize;

/// What a reader needs to judge absolute figures by.
#[derive(Serialize)]
pub(crate) struct Machine {
    /// UTC, to the second.
    at: String,
    kernel: String,
    processors: usize,
    memory_mebibytes: u64,
}

impl Machine {
    /// This machine, now.
    pub(crate) fn here() -> anyhow::Result<Machine> {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Machine {
            at: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            kernel: kernel.trim().to_owned(),
            processors: std::thread::available_parallelism()?.get(),
            memory_mebibytes: memory_mebibytes(&fs::read_to_string("/proc/meminfo")?)?,
        })
    }
}

fn memory_mebibytes(meminfo: &str) -> anyhow::Result<u64> {
    use anyhow::Context;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes.context("/proc/meminfo names no MemTotal")?.parse()?;
    Ok(kibibytes / 1_024)
}

impl std::fmt::Display for Machine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}, Linux {}, {} processors, {} MiB of memory",
            self.at, self.kernel, self.processors, self.memory_mebibytes
        )
    }
}
