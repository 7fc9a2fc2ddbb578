//! Pages the slow way: from a whole list, counted off.

use tiro_core::NumberRange;

/// The page of a list whose things have the numbers 1, 2, 3 …, and from where the list goes on.
pub(crate) fn slow_page<T: Clone>(all: &[T], range: NumberRange) -> (Vec<T>, Option<u64>) {
    let wanted = (1..).zip(all).filter(|(number, _)| match range {
        NumberRange::After { after, before, .. } => {
            *number > after && before.is_none_or(|before| *number < before)
        }
        NumberRange::Before { before, .. } => *number < before,
        NumberRange::Last { .. } => true,
    });
    let mut page: Vec<(u64, &T)> = wanted.collect();
    let wanted = page.len();
    let (end_of_page, limit) = match range {
        NumberRange::After { limit, .. } => {
            page.truncate(limit as usize);
            (page.last(), limit)
        }
        NumberRange::Before { limit, .. } | NumberRange::Last { limit } => {
            page.drain(..wanted.saturating_sub(limit as usize));
            (page.first(), limit)
        }
    };
    let next = end_of_page
        .filter(|_| wanted > limit as usize)
        .map(|(number, _)| *number);
    (page.into_iter().map(|(_, thing)| thing.clone()).collect(), next)
}
