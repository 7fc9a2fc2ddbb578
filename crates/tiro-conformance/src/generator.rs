//! Chat-like text, the same for the same seed on every machine.
//!
//! Words follow Zipf's law over a made-up vocabulary; between them stand names, URLs, code, other scripts, emoji and
//! control characters. A body is never blank, never longer than 64 KiB and has no U+0000.

mod queries;
mod scripts;

pub use queries::Queries;
use scripts::{EMOJI, FOREIGN, SYLLABLES};

/// Words in the vocabulary.
const VOCABULARY_WORDS: usize = 5_000;
/// People who talk.
const SENDERS: u64 = 200;

/// What the generator says: who and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// The name of the sender.
    pub sender: String,
    /// The text.
    pub body: String,
}

/// An endless source of messages.
#[derive(Clone, Debug)]
pub struct Generator {
    random: SplitMix,
    words: Vec<String>,
    /// Up to each word, the sum of the weights 1 / (rank + 2.7), scaled to whole numbers.
    weights_up_to: Vec<u64>,
}

impl Generator {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Generator {
        let mut of_words = SplitMix(0x7469_726f); // One vocabulary for all seeds, as people share a language.
        let words = (0..VOCABULARY_WORDS)
            .map(|rank| made_up_word(&mut of_words, rank))
            .collect();
        let mut total = 0;
        let weights_up_to = (0..VOCABULARY_WORDS as u64)
            .map(|rank| {
                total += 10_000_000_000 / (rank * 10 + 27);
                total
            })
            .collect();
        Generator {
            random: SplitMix(seed),
            words,
            weights_up_to,
        }
    }

    /// The next message.
    pub fn message(&mut self) -> Utterance {
        let sender = self.name();
        let mut body = String::new();
        for index in 0..self.length() {
            if index > 0 {
                body.push(' ');
            }
            let part = self.part();
            body.push_str(&part);
        }
        if self.random.one_in(3) {
            body.push_str(["?", "!", ".", "…", " :)", "\n"][self.random.below(6)]);
        }
        Utterance { sender, body }
    }

    /// Mostly a few words, seldom many: about ten on average.
    fn length(&mut self) -> usize {
        match self.random.below(100) {
            0..20 => 1 + self.random.below(2),
            20..90 => 3 + self.random.below(14),
            90..99 => 15 + self.random.below(40),
            _ => 100 + self.random.below(300),
        }
    }

    fn part(&mut self) -> String {
        match self.random.below(100) {
            0..86 => self.word(),
            86..89 => format!("{}:", self.name()),
            89..91 => self.url(),
            91..93 => self.code(),
            93..96 => self.random.pick(FOREIGN).to_owned(),
            96..98 => self.random.pick(EMOJI).to_owned(),
            98 => format!(
                "{}.{}.{}",
                self.random.below(20),
                self.random.below(20),
                self.random.below(200)
            ),
            _ => control_character(&mut self.random),
        }
    }

    fn word(&mut self) -> String {
        let total = self.weights_up_to[VOCABULARY_WORDS - 1];
        let point = self.random.next() % total;
        let rank = self.weights_up_to.partition_point(|up_to| *up_to <= point);
        let word = &self.words[rank];
        if self.random.one_in(12) {
            capitalised(word)
        } else {
            word.clone()
        }
    }

    fn name(&mut self) -> String {
        let person = (self.random.next() % SENDERS).min(self.random.next() % SENDERS);
        let mut of_person = SplitMix(person);
        let word = made_up_word(&mut of_person, VOCABULARY_WORDS);
        match person % 5 {
            0 => capitalised(&word),
            1 => format!("{word}_"),
            2 => format!("{word}{person}"),
            3 if person % 15 == 3 => format!("{}{person}", of_person.pick(FOREIGN).replace(' ', "")),
            _ => word,
        }
    }

    fn url(&mut self) -> String {
        let (host, path) = (self.word(), self.word());
        let number = self.random.below(100_000);
        format!(
            "https://{host}.example/{path}/{number}?q={}#L{}",
            self.word(),
            number % 90
        )
    }

    fn code(&mut self) -> String {
        let (a, b) = (self.word(), self.word());
        match self.random.below(4) {
            0 => format!("`{a}({b}, {})`", self.random.below(256)),
            1 => format!("/usr/lib/{a}/{b}.so.{}", self.random.below(9)),
            2 => format!("if ({a} != \"{b}\") {{ return *{a}->{b}; }}"),
            _ => format!("sudo {a} --{b}=C++ | grep -v '%{a}%'"),
        }
    }
}

fn made_up_word(random: &mut SplitMix, rank: usize) -> String {
    let syllables = match rank {
        0..30 => 1,
        30..1_000 => 2,
        _ => 2 + random.below(3),
    };
    (0..syllables).map(|_| random.pick(SYLLABLES)).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// A word with a control character in it, so that no body is nothing but one.
fn control_character(random: &mut SplitMix) -> String {
    let character = char::from(1 + random.below(31) as u8);
    format!("a{character}b")
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and its numbers will never change with a dependency.
#[derive(Clone, Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound - 1`, even enough for texts.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tiro_core::{Body, Limits, Sender};

    use super::*;

    fn utterances(seed: u64, count: usize) -> Vec<Utterance> {
        let mut generator = Generator::new(seed);
        (0..count).map(|_| generator.message()).collect()
    }

    #[test]
    fn one_seed_says_the_same_and_two_seeds_do_not() {
        assert_eq!(utterances(1, 100), utterances(1, 100));
        assert_ne!(utterances(1, 100), utterances(2, 100));
    }

    #[test]
    fn splitmix_agrees_with_its_published_first_numbers() {
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_utterance_is_a_message_that_the_core_accepts() {
        let limits = Limits::default();
        for said in utterances(3, 20_000) {
            assert!(Body::new(&said.body, &limits).is_ok(), "{:?}", said.body);
            assert!(Sender::new(&said.sender, &limits).is_ok(), "{:?}", said.sender);
        }
    }

    #[test]
    fn all_kinds_of_text_turn_up() {
        let all: String = utterances(4, 20_000).into_iter().map(|said| said.body).collect();
        let kinds = [
            "https://",
            "C++",
            "世",
            "и",
            "م",
            "न\u{940}",
            "e\u{301}",
            "\u{200d}",
            "\u{1}",
            "\u{7}",
            "😀",
        ];
        for kind in kinds {
            assert!(all.contains(kind), "{kind:?}");
        }
    }

    #[test]
    fn few_words_are_said_often_and_most_seldom() {
        let mut times: HashMap<String, usize> = HashMap::new();
        for said in utterances(5, 20_000) {
            for word in said.body.split(' ') {
                *times.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let mut counts: Vec<usize> = times.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let (all, top) = (counts.iter().sum::<usize>(), counts[..100].iter().sum::<usize>());
        assert!(top * 10 > all * 3 && top * 10 < all * 7, "{top} of {all}");
        assert!(counts.len() > 3_000);
    }
}
