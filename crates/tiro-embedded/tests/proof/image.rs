//! What a crash leaves of a medium: everything, only what was synced, or something in between.

use std::path::Path;

use fastrand::Rng;

use crate::media::{Change, Content, Image, Media, Names, Node};

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it is there: the process was killed.
    Kept,
    /// None of it is there.
    Dropped,
    /// Each unit of so many bytes, each length and each name has got as far as it likes, whatever came before or after.
    Reordered(u64),
    /// The writes got to disk in order up to some one, of which whole units of so many bytes did.
    Torn(u64),
}

/// Every fate there is.
pub(crate) const FATES: [Fate; 6] = [
    Fate::Kept,
    Fate::Dropped,
    Fate::Reordered(512),
    Fate::Reordered(4096),
    Fate::Torn(512),
    Fate::Torn(4096),
];

impl Media {
    /// What is found after a crash now.
    pub(crate) fn image(&self, fate: Fate, rng: &mut Rng) -> Image {
        let names = self.names_after(fate, rng);
        // One write is torn, in whichever file; the writes before it are whole and those after it are lost.
        let steps = rng.usize(0..=self.steps);
        let mut image = Image::new();
        for (path, node) in &names {
            if !is_reachable(&names, path) {
                continue;
            }
            let content = match node {
                Node::Dir => None,
                Node::File(file) => Some(self.files[*file].after(fate, steps, rng)),
            };
            image.insert(path.clone(), content);
        }
        image
    }

    fn names_after(&self, fate: Fate, rng: &mut Rng) -> Names {
        let mut names = self.durable_names.clone();
        let ordered = rng.usize(0..=self.pending_names.len());
        for (index, (_, naming)) in self.pending_names.iter().enumerate() {
            let kept = match fate {
                Fate::Kept => true,
                Fate::Dropped => false,
                Fate::Reordered(_) => rng.bool(),
                Fate::Torn(_) => index < ordered,
            };
            if kept {
                naming.apply(&mut names);
            }
        }
        names
    }
}

fn is_reachable(names: &Names, path: &Path) -> bool {
    let mut folders = path
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty());
    folders.all(|folder| names.get(folder) == Some(&Node::Dir))
}

impl Content {
    fn after(&self, fate: Fate, steps: usize, rng: &mut Rng) -> Vec<u8> {
        match fate {
            Fate::Kept => self.cache.clone(),
            Fate::Dropped => self.durable.clone(),
            Fate::Reordered(unit) => self.reordered(unit as usize, rng),
            Fate::Torn(unit) => self.torn(unit, steps, rng),
        }
    }

    /// Each unit as it was after some one of the changes, the length too.
    fn reordered(&self, unit: usize, rng: &mut Rng) -> Vec<u8> {
        if self.pending.is_empty() {
            return self.durable.clone();
        }
        let stages = self.pending.len() + 1;
        let length = self.stage(rng.usize(0..stages)).len();
        let mut result = vec![0; length];
        // Only units that a change has touched differ from stage to stage.
        let longest = self.longest();
        let touched = |start: usize| {
            self.pending.iter().any(|(_, change)| match change {
                Change::Write { offset, bytes } => {
                    (*offset as usize) < start + unit && start < *offset as usize + bytes.len()
                }
                Change::SetLen(_) => true,
            })
        };
        let choices: Vec<usize> = (0..longest.div_ceil(unit))
            .map(|index| {
                if touched(index * unit) {
                    rng.usize(0..stages)
                } else {
                    0
                }
            })
            .collect();
        let mut state = self.durable.clone();
        for stage in 0..stages {
            if stage > 0 {
                self.pending[stage - 1].1.apply_to(&mut state);
            }
            for (index, _) in choices.iter().enumerate().filter(|(_, choice)| **choice == stage) {
                let (start, end) = (index * unit, ((index + 1) * unit).min(length).min(state.len()));
                if start < end {
                    result[start..end].copy_from_slice(&state[start..end]);
                }
            }
        }
        result
    }

    fn torn(&self, unit: u64, steps: usize, rng: &mut Rng) -> Vec<u8> {
        let mut result = self.durable.clone();
        let whole = self.pending.partition_point(|(at, _)| *at < steps);
        for (_, change) in &self.pending[..whole] {
            change.apply_to(&mut result);
        }
        if let Some((_, Change::Write { offset, bytes })) = self.pending.get(whole) {
            // From the first unit boundary inside the write, or from its start.
            let end = offset + bytes.len() as u64;
            let units = end.div_ceil(unit) - offset / unit;
            let cut = (offset / unit + rng.u64(0..=units)) * unit;
            let kept = cut.clamp(*offset, end) - offset;
            let part = Change::Write {
                offset: *offset,
                bytes: bytes[..kept as usize].into(),
            };
            if kept > 0 {
                part.apply_to(&mut result);
            }
        }
        result
    }

    /// The content after so many pending changes.
    fn stage(&self, changes: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for (_, change) in &self.pending[..changes] {
            change.apply_to(&mut content);
        }
        content
    }

    fn longest(&self) -> usize {
        let ends = self.pending.iter().map(|(_, change)| match change {
            Change::Write { offset, bytes } => *offset as usize + bytes.len(),
            Change::SetLen(bytes) => *bytes as usize,
        });
        ends.max().unwrap_or(0).max(self.durable.len())
    }
}
