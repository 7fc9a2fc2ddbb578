//! The tree's list of tables, checked before the tree is opened: `current` names it and holds its checksum.
//!
//! The `lsm-tree` crate writes that checksum and does not look at it. A list that lost a table would open, remove the
//! table's file, and answer that what was in it does not exist.

use std::io::ErrorKind;
use std::path::Path;

use super::ViewError;

/// Bytes of `current`: the list's number 8, its XXH3-128 16, the kind of checksum 1; little-endian.
const CURRENT_BYTES: usize = 25;

/// Refuses a list of tables that is not the one that was written. A folder without a tree is well.
pub(super) fn check(folder: &Path) -> Result<(), ViewError> {
    let current = match std::fs::read(folder.join("current")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        read => read.map_err(lsm_tree::Error::Io)?,
    };
    let Ok(current) = <[u8; CURRENT_BYTES]>::try_from(current) else {
        return Err(lsm_tree::Error::Unrecoverable.into());
    };
    let (number, checksum) = current.split_at(8);
    let number = u64::from_le_bytes(number.try_into().expect("8 bytes were split off"));
    let checksum = u128::from_le_bytes(checksum[..16].try_into().expect("16 bytes are there"));
    let list = std::fs::read(folder.join(format!("v{number}"))).map_err(lsm_tree::Error::Io)?;
    if current[CURRENT_BYTES - 1] == 0 && xxhash_rust::xxh3::xxh3_128(&list) == checksum {
        Ok(())
    } else {
        Err(lsm_tree::Error::Unrecoverable.into())
    }
}
