//! What the systems of a test cannot do, as whoever started them says.

use std::env::{self, VarError};

/// Names of what they lack, with commas between.
const VARIABLE: &str = "TIRO_CLUSTER_LACKS";

/// Whether the systems lack this; then the test that asks says that it is not run, and ends.
///
/// # Panics
/// The variable is not text.
#[must_use]
pub fn is_lacking(capability: &str) -> bool {
    let lacking = match env::var(VARIABLE) {
        Ok(names) => names.split(',').any(|name| name == capability),
        Err(VarError::NotPresent) => false,
        Err(error) => panic!("{VARIABLE}: {error}"),
    };
    if lacking {
        println!("not run: {VARIABLE} says that the systems lack {capability}");
    }
    lacking
}
