//! Queries such as people type, made from the bodies that they are to find.
//!
//! Parts of bodies in any script, common words, two terms of one body, characters that mean something elsewhere, and
//! terms that no body has. The same for the same seed and bodies; every one is a query that the core accepts.

use std::collections::HashMap;

use tiro_core::{Folded, Limits, Query};

use super::SplitMix;

/// Most characters of a part of a body.
const PART_CHARS_MAX: usize = 12;
/// How many of the words said most often count as common.
const COMMON_WORDS: usize = 30;

/// What means something to a shell, a regular expression, a database or an index, and must mean itself here.
const LITERALS: &[&str] = &[
    "*", "?", "%", "_", "\\", "(", ")", ":", "C++", "a:b", "5\"", "'", "\"\"\"", ".*", "[a-z]", "AND", "NOT",
    "-", "--", "+", "~1", "^2", "{", "/", "//", "&&", "\\n", "%20", "<b>", ";", "',", "$", "`",
];

/// An endless source of queries.
#[derive(Clone, Debug)]
pub struct Queries {
    random: SplitMix,
    bodies: Vec<String>,
    common: Vec<String>,
}

impl Queries {
    /// The queries of a seed about some bodies, at least one.
    #[must_use]
    pub fn new(seed: u64, bodies: Vec<String>) -> Queries {
        Queries {
            random: SplitMix(seed),
            common: common_words(&bodies),
            bodies,
        }
    }

    /// The next query.
    pub fn query(&mut self) -> String {
        let text = match self.random.below(100) {
            0..50 => self.part(PART_CHARS_MAX),
            50..65 => self.two_terms(),
            65..75 => self.common_word(),
            75..90 => self.random.pick(LITERALS).to_owned(),
            _ => format!("zq{}xj", self.random.below(1_000)),
        };
        // A part may be nothing but a joiner or a lone accent, which is no query.
        if is_query(&text) {
            text
        } else {
            self.random.pick(LITERALS).to_owned()
        }
    }

    /// 1 to `chars_max` neighbouring characters of a body; half of them in another script than ASCII, if it has any.
    fn part(&mut self, chars_max: usize) -> String {
        let body = &self.bodies[self.random.below(self.bodies.len())];
        let chars: Vec<char> = body.chars().collect();
        let foreign: Vec<usize> = (0..chars.len())
            .filter(|index| !chars[*index].is_ascii())
            .collect();
        let start = if foreign.is_empty() || self.random.one_in(2) {
            self.random.below(chars.len())
        } else {
            foreign[self.random.below(foreign.len())]
        };
        let length = 1 + self.random.below(chars_max);
        written(
            &chars[start..chars.len().min(start + length)]
                .iter()
                .collect::<String>(),
        )
    }

    /// Two parts, mostly of one body.
    fn two_terms(&mut self) -> String {
        let body = self.bodies[self.random.below(self.bodies.len())].clone();
        let words: Vec<&str> = body.split_whitespace().collect();
        let one = words[self.random.below(words.len())];
        if self.random.one_in(4) {
            return format!("{one} {}", self.part(3));
        }
        format!("{one} {}", words[self.random.below(words.len())])
    }

    fn common_word(&mut self) -> String {
        let index = self.random.below(self.common.len());
        self.common[index].clone()
    }
}

/// As one term where that can be written, otherwise as it is.
fn written(text: &str) -> String {
    let phrase = format!("\"{text}\"");
    let is_one_term =
        |query: Query| query.terms().len() == 1 && *query.terms()[0].folded() == Folded::of(text);
    let needs_quotes = text.contains(char::is_whitespace) || text.starts_with('"');
    let can_be_quoted = Query::parse(&phrase, &Limits::default()).is_ok_and(is_one_term);
    if needs_quotes && can_be_quoted {
        phrase
    } else {
        text.to_owned()
    }
}

fn is_query(text: &str) -> bool {
    Query::parse(text, &Limits::default()).is_ok()
}

/// The words said most often; the first in the alphabet of two said equally often.
fn common_words(bodies: &[String]) -> Vec<String> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for word in bodies.iter().flat_map(|body| body.split_whitespace()) {
        *times.entry(word).or_default() += 1;
    }
    let mut words: Vec<(usize, &str)> = times.into_iter().map(|(word, times)| (times, word)).collect();
    words.sort_by(|(times, word), (other_times, other)| other_times.cmp(times).then(word.cmp(other)));
    words.truncate(COMMON_WORDS);
    words.into_iter().map(|(_, word)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Generator;

    fn bodies() -> Vec<String> {
        let mut generator = Generator::new(6);
        (0..500).map(|_| generator.message().body).collect()
    }

    fn queries(seed: u64, count: usize) -> Vec<String> {
        let mut queries = Queries::new(seed, bodies());
        (0..count).map(|_| queries.query()).collect()
    }

    #[test]
    fn one_seed_asks_the_same_and_two_seeds_do_not() {
        assert_eq!(queries(1, 100), queries(1, 100));
        assert_ne!(queries(1, 100), queries(2, 100));
    }

    #[test]
    fn every_query_is_one_that_the_core_accepts() {
        for query in queries(3, 20_000) {
            assert!(is_query(&query), "{query:?}");
        }
    }

    /// Whether a query is of a kind.
    type Kind = fn(&Query) -> bool;

    #[test]
    fn all_kinds_of_queries_turn_up_and_most_find_something() {
        let (asked, bodies) = (queries(4, 2_000), bodies());
        let parsed = |query: &String| Query::parse(query, &Limits::default()).expect("it is a query");
        let finds = |query: &&String| bodies.iter().any(|body| parsed(query).matches(body).is_some());
        let finding = asked.iter().filter(finds).count();
        assert!(
            finding * 10 > asked.len() * 6 && finding * 10 < asked.len() * 9,
            "{finding}"
        );
        let kinds: [(&str, Kind); 4] = [
            ("two terms", |query| query.terms().len() == 2),
            ("a phrase with a space", |query| {
                query.terms()[0].folded().contains(' ')
            }),
            ("another script", |query| !query.terms()[0].folded().is_ascii()),
            ("too short for an index", Query::needs_scan),
        ];
        for (kind, is_kind) in kinds {
            let count = asked.iter().filter(|query| is_kind(&parsed(query))).count();
            assert!(count >= 50, "{kind}: {count}");
        }
    }
}
