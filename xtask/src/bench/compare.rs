//! How things are compared on a small and noisy machine: in turns, in one run, by medians.

use anyhow::Context;

/// One of the things compared: runs once and answers its figure.
pub(crate) type Contender<'a> = (&'static str, Box<dyn FnMut() -> anyhow::Result<f64> + 'a>);

/// The figures of every contender, round by round.
pub(crate) struct Rounds {
    names: Vec<&'static str>,
    /// One list for each round, in the order of the names.
    figures: Vec<Vec<f64>>,
}

/// Lets the contenders run in turns: A B C, A B C, and so on.
pub(crate) fn in_turns(rounds: usize, contenders: &mut [Contender<'_>]) -> anyhow::Result<Rounds> {
    let mut figures = Vec::new();
    for round in 1..=rounds {
        let mut row = Vec::new();
        for (name, run) in contenders.iter_mut() {
            let figure = run().with_context(|| format!("{name}, round {round}"))?;
            eprintln!("    round {round} of {rounds}: {name}: {figure:.2}");
            row.push(figure);
        }
        figures.push(row);
    }
    Ok(Rounds {
        names: contenders.iter().map(|(name, _)| *name).collect(),
        figures,
    })
}

impl Rounds {
    /// The median figure of one contender.
    pub(crate) fn median(&self, name: &str) -> f64 {
        let place = self.place(name);
        median(self.figures.iter().map(|row| row[place]).collect())
    }

    /// The median over the rounds of one contender's figure divided by another's of the same round.
    pub(crate) fn ratio(&self, of: &str, to: &str) -> f64 {
        let (of, to) = (self.place(of), self.place(to));
        median(self.figures.iter().map(|row| row[of] / row[to]).collect())
    }

    fn place(&self, name: &str) -> usize {
        let place = self.names.iter().position(|other| *other == name);
        place.unwrap_or_else(|| panic!("no contender is called {name}"))
    }
}

/// The middle one; of an even number the mean of the two in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    assert!(!figures.is_empty(), "nothing was measured");
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 {
        figures[middle]
    } else {
        f64::midpoint(figures[middle - 1], figures[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round_so_that_a_slow_minute_does_not_count() {
        let (mut a, mut b) = ([50.0, 10.0, 60.0].into_iter(), [100.0, 20.0, 100.0].into_iter());
        let mut contenders: [Contender<'_>; 2] = [
            ("a", Box::new(|| Ok(a.next().unwrap()))),
            ("b", Box::new(|| Ok(b.next().unwrap()))),
        ];
        let rounds = in_turns(3, &mut contenders).unwrap();
        assert_eq!(rounds.median("a"), 50.0);
        assert_eq!(rounds.ratio("a", "b"), 0.5);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), 3.0);
    }
}
