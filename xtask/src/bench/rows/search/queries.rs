//! What is searched for: common texts, usual ones, and ones that an index of grams finds hard.
//!
//! Every term has three characters or more. The same in every run on the same chats.

use crate::bench::talk::{Said, Talk};

const SEED: u64 = 5;
const CHARACTERS_MIN: usize = 3;
const CHARACTERS_MAX: usize = 12;

/// In a large share of all messages.
const COMMON: [&str; 12] = [
    "the", "ing", "ubuntu", "you", "and", "install", "that", "this", "http", "ion", "have", "thanks",
];
/// Common grams in an order that hardly occurs, phrases and pairs of the most common words.
const HARD: [&str; 16] = [
    "\"the thing\"",
    "thing the",
    "\"the the\"",
    "ingthe",
    "theing",
    "ntuntu",
    "andthe",
    "thating",
    "ubuntuing",
    "installthe",
    "\"you and the\"",
    "ionthe",
    "\"thanks ubuntu\"",
    "the ing you and",
    "youthat",
    "\"and have you\"",
];

/// A query, and the chat in which it is asked if it is asked in one.
pub(super) struct Query {
    pub(super) chat: usize,
    pub(super) text: String,
}

/// Queries of one kind.
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) queries: Vec<Query>,
}

/// The classes, each with so many queries.
pub(super) fn classes(talk: &Talk, count: usize) -> [Class; 3] {
    let mut random = fastrand::Rng::with_seed(SEED);
    [
        Class {
            name: "common texts",
            queries: listed(&COMMON, talk, count, &mut random),
        },
        Class {
            name: "words and parts of messages",
            queries: usual(talk, count, &mut random),
        },
        Class {
            name: "common grams that hardly meet",
            queries: listed(&HARD, talk, count, &mut random),
        },
    ]
}

fn listed(texts: &[&str], talk: &Talk, count: usize, random: &mut fastrand::Rng) -> Vec<Query> {
    let query = |text: &&str| Query {
        chat: random.usize(1..=talk.chats),
        text: (*text).to_owned(),
    };
    texts.iter().cycle().take(count).map(query).collect()
}

/// Words and parts in turn, each with the chat that it comes from. Messages without one are passed over.
fn usual(talk: &Talk, count: usize, random: &mut fastrand::Rng) -> Vec<Query> {
    let mut queries = Vec::with_capacity(count);
    // Chats of which not one message in a hundred has a word are no chats.
    for _ in 0..count * 100 {
        if queries.len() == count {
            break;
        }
        let said: &Said = &talk.said[random.usize(0..talk.said.len())];
        let text = match queries.len() % 2 {
            0 => word_of(&said.body, random),
            _ => part_of(&said.body, random),
        };
        let chat = said.chat;
        queries.extend(text.map(|text| Query { chat, text }));
    }
    queries
}

fn word_of(body: &str, random: &mut fastrand::Rng) -> Option<String> {
    let fits = |word: &&str| (CHARACTERS_MIN..=CHARACTERS_MAX).contains(&word.chars().count());
    let words: Vec<&str> = body
        .split_whitespace()
        .filter(fits)
        .filter(|word| !word.contains('"'))
        .collect();
    (!words.is_empty()).then(|| words[random.usize(0..words.len())].to_owned())
}

/// Some characters in a row. White space would split them into terms, so then they stand in quotes.
fn part_of(body: &str, random: &mut fastrand::Rng) -> Option<String> {
    let characters: Vec<char> = body.chars().collect();
    let length = random
        .usize(CHARACTERS_MIN..=CHARACTERS_MAX)
        .min(characters.len());
    let begin = random.usize(0..=characters.len() - length);
    let part: String = characters[begin..begin + length].iter().collect();
    let part = part.trim();
    let is_long = part.chars().count() >= CHARACTERS_MIN;
    let quoted = || {
        if part.contains(char::is_whitespace) {
            format!("\"{part}\"")
        } else {
            part.to_owned()
        }
    };
    (is_long && !part.contains('"')).then(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_parts_are_of_the_message_and_long_enough() {
        let mut random = fastrand::Rng::with_seed(1);
        let body = "is it \"quoted\" or a plain word?";
        for _ in 0..200 {
            let word = word_of(body, &mut random).unwrap();
            assert!(["plain", "word?"].contains(&word.as_str()), "{word}");
            let Some(part) = part_of(body, &mut random) else {
                continue;
            };
            let plain = part.trim_matches('"');
            assert!(body.contains(plain) && plain.chars().count() >= 3, "{part}");
            assert_eq!(part.contains('"'), plain.contains(' '), "{part}");
        }
        assert_eq!(word_of("a b", &mut random), None);
        assert_eq!(part_of("ab", &mut random), None);
    }
}
