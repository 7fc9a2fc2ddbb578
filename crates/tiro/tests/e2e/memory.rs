//! How much memory a process holds.

use std::fs;

/// Memory that is the process's own: `RssAnon`.
pub(crate) fn anonymous_memory_mib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}
