//! How much is tried, and with which seed.

/// Whether `TIRO_FULL` asks for the full counts.
pub(crate) fn full() -> bool {
    std::env::var_os("TIRO_FULL").is_some_and(|value| value == "1")
}

/// The first number, or with `TIRO_FULL=1` the second.
pub(crate) fn count(short: usize, full_count: usize) -> usize {
    if full() { full_count } else { short }
}

/// The seed of this run: from `TIRO_SEED`, else a new one. Printed, so that a failure can be repeated.
///
/// # Panics
/// If the variable is not a number.
pub(crate) fn seed() -> u64 {
    let named = std::env::var("TIRO_SEED").map(|text| text.parse().expect("TIRO_SEED is a number"));
    let seed = named.unwrap_or_else(|_| fastrand::u64(..));
    println!("repeat with TIRO_SEED={seed}");
    seed
}
