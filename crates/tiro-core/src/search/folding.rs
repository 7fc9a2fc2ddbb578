//! Folding of texts: what makes `Cafe\u{301}`, `café` and `ＣＡＦÉ` one text for a search.
//!
//! Each scalar folds by itself (`scalar`); then what composes is composed again (NFC), so that Korean `하` is not
//! found in `한`, nor `か` in `が`. A *unit* is a scalar with what belongs to it: combining marks and scalars that
//! fold to nothing behind it, jamo that make one syllable with it. Units tell where a folded character came from.

use std::ops::Deref;

use unicode_normalization::char::{canonical_combining_class, compose, is_combining_mark};

use super::table::{FoldsTo, folds_to};

/// The version of the folding. An index made under another one must be made anew.
///
/// A test holds it to a checksum over what every scalar folds to, so that neither a change here nor other tables of
/// Unicode, with a new toolchain or library, go unnoticed.
pub const FOLDING_VERSION: u32 = 1;

/// A folded text.
///
/// Folding is NFKC, full case folding, and without accents; Arabic letters that are typed for one another are one;
/// curved apostrophes are straight; invisible characters are gone. Folding a folded text changes nothing, and texts
/// that are canonically equivalent fold to the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folded(String);

impl Folded {
    /// Folds a text.
    #[must_use]
    pub fn of(text: &str) -> Folded {
        let mut folded = Folded::default();
        folded.refold(text);
        folded
    }

    /// Folds another text into the same memory.
    pub fn refold(&mut self, text: &str) {
        self.0.clear();
        if text.is_ascii() {
            self.0.push_str(text);
            self.0.make_ascii_lowercase();
        } else {
            fold_each(text, |_| false, |folded, _| self.0.push(folded));
        }
    }
}

impl Deref for Folded {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// A folded text that knows where in the original each part came from.
#[derive(Debug, Default)]
pub(super) struct Traced {
    pub(super) text: Folded,
    /// Of each byte of the folded text, the scalar at which its unit begins; never falling.
    units: Vec<usize>,
    /// Scalars of the original.
    scalars: usize,
}

impl Traced {
    pub(super) fn of(text: &str) -> Traced {
        let mut traced = Traced {
            scalars: text.chars().count(),
            ..Traced::default()
        };
        fold_each(text, is_combining_mark, |folded, unit| {
            traced.text.0.push(folded);
            traced.units.resize(traced.text.0.len(), unit);
        });
        traced
    }

    /// The scalars of the original, whole units, that the bytes `start..end` of the folded text came from.
    /// At least one byte.
    pub(super) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        let last = self.units[end - 1];
        let after = end + self.units[end..].partition_point(|unit| *unit == last);
        (
            self.units[start],
            self.units.get(after).copied().unwrap_or(self.scalars),
        )
    }
}

/// Folds a text character by character: `emit` gets each with the scalar at which its unit begins. `belongs` tells
/// of a scalar whether it belongs to the unit before it in any case; who needs no units answers `false`.
fn fold_each(text: &str, belongs: impl Fn(char) -> bool, emit: impl FnMut(char, usize)) {
    let mut composer = Composer {
        unit: 0,
        starter: None,
        marks: Vec::new(),
        emit,
    };
    for (index, scalar) in text.chars().enumerate() {
        if scalar.is_ascii() {
            composer.unit = index;
            composer.add_starter(scalar.to_ascii_lowercase());
            continue;
        }
        match folds_to(scalar) {
            FoldsTo::Plain(folded) => {
                let mut folded = folded.chars().peekable();
                composer.begin(index, folded.peek().is_none() || belongs(scalar));
                folded.for_each(|part| composer.add_starter(part));
            }
            FoldsTo::Joining(folded) => {
                composer.begin(index, belongs(scalar));
                folded.chars().for_each(|part| composer.add(part));
            }
            FoldsTo::Long(long) => {
                composer.begin(index, belongs(scalar));
                for part in &long.chars {
                    if long.joins {
                        composer.add(*part);
                    } else {
                        composer.add_starter(*part);
                    }
                }
            }
        }
    }
    composer.flush();
}

/// Puts marks into canonical order and composes them with what they follow (Unicode 3.11, D109 and D117), holding
/// back no more than one starter and its marks.
struct Composer<F> {
    /// Where the unit of what comes now begins.
    unit: usize,
    /// The last character of combining class 0, and its unit.
    starter: Option<(char, usize)>,
    /// What follows it, each with its combining class, which is not 0. All belong to the starter's unit.
    marks: Vec<(u8, char)>,
    emit: F,
}

impl<F: FnMut(char, usize)> Composer<F> {
    fn begin(&mut self, unit: usize, belongs: bool) {
        if !belongs {
            self.unit = unit;
        }
    }

    fn add(&mut self, part: char) {
        let class = canonical_combining_class(part);
        if class != 0 {
            self.unit = self.unit_of_starter();
            self.marks.push((class, part));
            return;
        }
        self.settle_marks();
        let joined = match self.starter {
            Some((starter, _)) if self.marks.is_empty() => compose(starter, part),
            _ => None,
        };
        match joined {
            Some(joined) => {
                self.unit = self.unit_of_starter();
                self.starter = Some((joined, self.unit));
            }
            None => self.add_starter(part),
        }
    }

    /// Adds a character that has no combining class and joins none before it.
    fn add_starter(&mut self, part: char) {
        self.flush();
        self.starter = Some((part, self.unit));
    }

    fn unit_of_starter(&self) -> usize {
        self.starter.map_or(0, |(_, unit)| unit)
    }

    fn settle_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        self.marks.sort_by_key(|(class, _)| *class);
        let Some((mut starter, unit)) = self.starter else {
            return;
        };
        let mut class_kept = 0;
        self.marks.retain(|(class, mark)| {
            let blocked = *class == class_kept;
            let joined = compose(starter, *mark).filter(|_| !blocked);
            match joined {
                Some(joined) => starter = joined,
                None => class_kept = *class,
            }
            joined.is_none()
        });
        self.starter = Some((starter, unit));
    }

    fn flush(&mut self) {
        self.settle_marks();
        let unit = self.unit_of_starter();
        if let Some((starter, unit)) = self.starter.take() {
            (self.emit)(starter, unit);
        }
        for (_, mark) in self.marks.drain(..) {
            (self.emit)(mark, unit);
        }
    }
}
