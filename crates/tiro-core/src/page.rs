//! Pages of numbered things. Every number up to the last is a thing or a tombstone, so a page is plain arithmetic.

use crate::Cursor;

/// A page of a list in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, N = u64> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// From where the list goes on in the same direction; `None` at its end.
    pub next: Option<N>,
    /// The place in the feed of which the page shows the state; `None` for lists over applications.
    pub as_of: Option<Cursor>,
}

/// Which part of a numbered list is wanted. Pages are in ascending order whichever way they are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberRange {
    /// The first `limit` above `after` (and below `before`).
    After {
        /// 0 is the beginning.
        after: u64,
        /// Not from here on.
        before: Option<u64>,
        /// 1 to [`crate::PAGE_LIMIT_MAX`].
        limit: u32,
    },
    /// The last `limit` below `before`.
    Before {
        /// Not from here on.
        before: u64,
        /// 1 to [`crate::PAGE_LIMIT_MAX`].
        limit: u32,
    },
    /// The last `limit` of all; goes on as [`NumberRange::Before`].
    Last {
        /// 1 to [`crate::PAGE_LIMIT_MAX`].
        limit: u32,
    },
}

/// The numbers of one page, both ends included; empty if `first > last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The lowest.
    pub first: u64,
    /// The highest.
    pub last: u64,
    /// Whether the list is walked downwards: a page that ends early keeps its highest numbers.
    pub downwards: bool,
    /// Where the whole range ends in the direction of the walk.
    bound: u64,
}

impl NumberRange {
    /// The numbers of the page in a list whose last number is `last_number`.
    #[must_use]
    pub fn numbers(self, last_number: u64) -> Numbers {
        match self {
            NumberRange::After { after, before, limit } => {
                let bound = before.map_or(last_number, |before| last_number.min(before.saturating_sub(1)));
                let first = after.saturating_add(1);
                Numbers {
                    first,
                    last: bound.min(after.saturating_add(u64::from(limit))),
                    downwards: false,
                    bound,
                }
            }
            NumberRange::Before { before, limit } => {
                let last = last_number.min(before.saturating_sub(1));
                let first = last.saturating_sub(u64::from(limit)) + 1;
                Numbers {
                    first,
                    last,
                    downwards: true,
                    bound: 1,
                }
            }
            NumberRange::Last { limit } => NumberRange::Before {
                before: u64::MAX,
                limit,
            }
            .numbers(last_number),
        }
    }
}

impl Numbers {
    /// Whether no number is on the page.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.first > self.last
    }

    /// The numbers in the order in which a page fills.
    pub fn walk(self) -> impl Iterator<Item = u64> {
        let count = (self.last + 1).saturating_sub(self.first);
        (0..count).map(move |step| {
            if self.downwards {
                self.last - step
            } else {
                self.first + step
            }
        })
    }

    /// From where the list goes on when `reached` was the last number taken in walking order; `None` at the end.
    #[must_use]
    pub fn next(self, reached: u64) -> Option<u64> {
        let more = if self.downwards {
            reached > self.bound
        } else {
            reached < self.bound
        };
        more.then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(range: NumberRange, last_number: u64) -> (Vec<u64>, Option<u64>) {
        let numbers = range.numbers(last_number);
        let walked: Vec<u64> = numbers.walk().collect();
        let next = walked.last().and_then(|reached| numbers.next(*reached));
        let mut ascending = walked;
        ascending.sort_unstable();
        (ascending, next)
    }

    #[test]
    fn forward_pages_cover_the_list_without_a_gap() {
        assert_eq!(
            page(
                NumberRange::After {
                    after: 0,
                    before: None,
                    limit: 3
                },
                5
            ),
            (vec![1, 2, 3], Some(3))
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: 3,
                    before: None,
                    limit: 3
                },
                5
            ),
            (vec![4, 5], None)
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: 2,
                    before: None,
                    limit: 3
                },
                5
            ),
            (vec![3, 4, 5], None)
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: 9,
                    before: None,
                    limit: 3
                },
                5
            ),
            (vec![], None)
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: u64::MAX,
                    before: None,
                    limit: 3
                },
                5
            ),
            (vec![], None)
        );
    }

    #[test]
    fn a_range_stops_below_its_end() {
        assert_eq!(
            page(
                NumberRange::After {
                    after: 1,
                    before: Some(5),
                    limit: 2
                },
                9
            ),
            (vec![2, 3], Some(3))
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: 3,
                    before: Some(5),
                    limit: 2
                },
                9
            ),
            (vec![4], None)
        );
        assert_eq!(
            page(
                NumberRange::After {
                    after: 3,
                    before: Some(0),
                    limit: 2
                },
                9
            ),
            (vec![], None)
        );
    }

    #[test]
    fn backward_pages_end_at_number_one() {
        assert_eq!(page(NumberRange::Last { limit: 2 }, 5), (vec![4, 5], Some(4)));
        assert_eq!(
            page(NumberRange::Before { before: 4, limit: 2 }, 5),
            (vec![2, 3], Some(2))
        );
        assert_eq!(
            page(NumberRange::Before { before: 2, limit: 2 }, 5),
            (vec![1], None)
        );
        assert_eq!(
            page(NumberRange::Before { before: 1, limit: 2 }, 5),
            (vec![], None)
        );
        assert_eq!(
            page(NumberRange::Before { before: 0, limit: 2 }, 5),
            (vec![], None)
        );
        assert_eq!(page(NumberRange::Last { limit: 2 }, 0), (vec![], None));
    }
}
