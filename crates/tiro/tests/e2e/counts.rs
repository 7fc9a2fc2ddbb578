//! How much the tests do: enough for every change, or as much as the issues name.

/// Whether `TIRO_FULL` asks for the full counts.
pub(crate) fn full() -> bool {
    std::env::var_os("TIRO_FULL").is_some_and(|value| value == "1")
}

/// The first number, or with `TIRO_FULL=1` the second.
pub(crate) fn count(short: usize, in_full: usize) -> usize {
    if full() { in_full } else { short }
}

/// The seed of a random test: `TIRO_SEED`, so that a failure can be repeated, or a new one. Prints it.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("TIRO_SEED") {
        Ok(text) => text.parse().expect("TIRO_SEED is a whole number"),
        Err(_) => fastrand::u64(..),
    };
    println!("TIRO_SEED={seed} makes the same choices again");
    seed
}
