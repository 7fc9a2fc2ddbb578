//! The tree against a plain set of what was deleted.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

const LIST: NumberedList = NumberedList::Messages { chat: 7 };

#[derive(Default)]
struct Tree {
    nodes: HashMap<DeletedPlace, Option<Arc<DeletedNode>>>,
}

impl Tree {
    fn delete(&mut self, number: u64) {
        for place in LIST.places_of(number) {
            place.count(number, self.nodes.entry(place).or_default());
        }
    }

    fn find(&self, place: DeletedPlace) -> Found<Infallible> {
        Ok(self.nodes.get(&place).cloned().flatten())
    }

    fn through(&self, number: u64) -> u64 {
        let mut asked = Vec::new();
        let Ok(deleted) = deleted_through(LIST, number, |place| {
            asked.push(place);
            self.find(place)
        });
        assert!(asked.len() <= 15);
        assert_eq!(asked, LIST.places_through(number).collect::<Vec<_>>());
        deleted
    }

    fn live(&self, last: u64, skip: u64, limit: u32) -> Vec<u64> {
        let Ok(numbers) = live_numbers(LIST, last, LiveRange { skip, limit }, |place| self.find(place));
        numbers
    }
}

#[test]
fn counts_and_pages_of_two_hundred_thousand_numbers_agree_with_the_slow_way() {
    let last = 200_000_u64;
    let mut tree = Tree::default();
    let mut random = 1_u64;
    let mut deleted: Vec<bool> = vec![false; last as usize + 1];
    // Single numbers everywhere, and whole blocks: also those that the upper levels count.
    for _ in 0..60_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let number = (random >> 33) % last + 1;
        if !std::mem::replace(&mut deleted[number as usize], true) {
            tree.delete(number);
        }
    }
    for number in (65_000..=66_000).chain(131_073..=140_000).chain(1..=256) {
        if !std::mem::replace(&mut deleted[number as usize], true) {
            tree.delete(number);
        }
    }
    let live: Vec<u64> = (1..=last).filter(|number| !deleted[*number as usize]).collect();
    let mut so_far = 0;
    for number in 1..=last {
        so_far += u64::from(deleted[number as usize]);
        if number % 97 == 0 || number % 256 <= 1 || number % 65_536 <= 1 {
            assert_eq!(tree.through(number), so_far, "{number}");
        }
    }
    for skip in (0..live.len()).step_by(173).chain([live.len() - 1, live.len()]) {
        let expected: Vec<u64> = live[skip..].iter().take(50).copied().collect();
        assert_eq!(tree.live(last, skip as u64, 50), expected, "{skip}");
    }
}

#[test]
fn a_list_without_deletes_is_arithmetic_up_to_the_highest_number() {
    let tree = Tree::default();
    for last in [1, 256, 257, 65_536, 65_537, u64::MAX] {
        assert_eq!(tree.through(last), 0);
        assert_eq!(tree.live(last, last - 1, 10), [last]);
        assert_eq!(tree.live(last, last, 10), [0; 0]);
    }
    assert_eq!(tree.through(0), 0);
    assert_eq!(tree.live(0, 0, 10), [0; 0]);
}

#[test]
fn a_number_counts_in_one_node_a_level_and_a_short_list_has_one_level() {
    assert_eq!(LIST.places_of(0).count(), 0);
    assert_eq!(LIST.places_of(256).count(), 1);
    assert_eq!(LIST.places_of(257).count(), 2);
    assert_eq!(LIST.places_of(65_537).count(), 3);
    assert_eq!(LIST.places_of(u64::MAX).count(), 8);
}

proptest! {
    #[test]
    fn sparse_numbers_anywhere_agree_with_a_set(
        numbers in prop::collection::btree_set(prop_oneof![1..1_000_u64, 1..=u64::MAX, 65_000..66_000_u64], 0..60),
        asked in prop::collection::vec(prop_oneof![1..1_000_u64, 1..=u64::MAX, 65_000..66_000_u64], 1..20),
    ) {
        let mut tree = Tree::default();
        numbers.iter().for_each(|number| tree.delete(*number));
        for asked in asked.into_iter().chain(numbers.iter().copied()) {
            prop_assert_eq!(tree.through(asked), numbers.range(..=asked).count() as u64);
            let before = asked - 1 - numbers.range(..asked).count() as u64;
            let next_live = (asked..=u64::MAX).find(|number| !numbers.contains(number));
            let expected: BTreeSet<u64> = next_live.into_iter().collect();
            let found: BTreeSet<u64> = tree.live(u64::MAX, before, 1).into_iter().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
