//! What is fetched once for the clusters of all folders, and kept in the target folder.
//!
//! Each is made in a folder of its own and gets its name when it is whole, so what has the name can be used. One process
//! makes one at a time; the others wait for it. To have it made anew, delete it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::root::target_folder;

/// Where something of this name is kept, whether it is there yet or not.
pub(crate) fn stored(name: &str) -> PathBuf {
    target_folder().join("systems").join(name)
}

/// Has `make` fill a folder that then becomes the stored one, unless that is there.
pub(crate) fn store(name: &str, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    store_at(&stored(name), make)
}

fn store_at(kept: &Path, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if kept.try_exists()? {
        return Ok(());
    }
    let parent = kept.parent().context("what is stored is in no folder")?;
    fs::create_dir_all(parent)?;
    let lock = File::create(kept.with_added_extension("lock"))?;
    // Whoever holds it is bounded: each fetch gives up at some time.
    lock.lock()
        .with_context(|| format!("cannot lock {}", kept.display()))?;
    if kept.try_exists()? {
        return Ok(());
    }
    let new = kept.with_added_extension("new");
    if new.try_exists()? {
        fs::remove_dir_all(&new).with_context(|| format!("cannot remove the half made {}", new.display()))?;
    }
    fs::create_dir(&new)?;
    make(&new)?;
    fs::rename(&new, kept).with_context(|| format!("cannot make {}", kept.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_whole_is_made_once_and_begun_anew_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("some-4.0");
        let half = |new: &Path| {
            fs::write(new.join("half"), "")?;
            anyhow::bail!("the network is away")
        };
        assert!(store_at(&kept, half).is_err());
        assert!(!kept.exists());
        store_at(&kept, |new| Ok(fs::write(new.join("whole"), "")?)).unwrap();
        let names: Vec<_> = fs::read_dir(&kept)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["whole"]);
        store_at(&kept, |_| panic!("it is there already")).unwrap();
    }
}
