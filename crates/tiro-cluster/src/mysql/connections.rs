//! How many connections to MySQL a process opens at most, and for what: every such bound is here.
//!
//! Each pool keeps as many as were used at once in the last minute, so a process that is idle has a few.

/// Unknown applications that are looked up at once.
pub(crate) const LOOKUPS_MAX: u32 = 4;
/// Snapshots that are held at once, by lists that are walked and by exports.
pub(crate) const HELD_MAX: u32 = 8;
/// Searches at once.
pub(crate) const SEARCHES_MAX: u32 = 4;
/// Looks at the feeds that somebody waits for.
pub(crate) const LOOKOUTS_MAX: u32 = 1;
/// What a node does that no request waits for, and what operators ask it.
pub(crate) const BESIDE_MAX: u32 = 4;
/// What a worker, or a command of the operator, does.
pub(crate) const WORKER_MAX: u32 = 16;
/// Tries whether MySQL takes writes.
const PROBES_MAX: u32 = 1;

/// Of an API node. Each partition has a writer.
pub(crate) fn of_node(partitions: u16, reads_max: u32) -> u32 {
    let reads = LOOKUPS_MAX + HELD_MAX + SEARCHES_MAX + LOOKOUTS_MAX + reads_max;
    u32::from(partitions) + PROBES_MAX + reads + BESIDE_MAX
}

/// Of a worker, which writes what was parked.
pub(crate) fn of_worker(partitions: u16) -> u32 {
    u32::from(partitions) + PROBES_MAX + LOOKUPS_MAX + WORKER_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_for_operators_says_these_numbers() {
        let guide = include_str!("../../../../docs/operations.md");
        let node = (of_node(0, 0), of_node(4, 16));
        let worker = (of_worker(0), of_worker(4));
        for said in [
            format!(
                "`partitions` + `mysql_read_connections_max` + {} ({} as it comes)",
                node.0, node.1
            ),
            format!("`partitions` + {} ({} as it comes)", worker.0, worker.1),
        ] {
            assert!(guide.contains(&said), "docs/operations.md does not say {said:?}");
        }
    }
}
