//! Query parameters: each documented, each checked by its kind, everything else refused by name.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use tiro_api::Code;

use crate::dialect::Unknown;
use crate::path::plain_number;
use crate::violations::Violations;

/// A parameter that a route takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) description: &'static str,
}

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A whole number from 0.
    Position,
    /// A whole number from 1 to `max`.
    Count {
        /// The most allowed.
        max: u32,
    },
    /// A whole number from 1; one that is too large stands for the largest.
    Positive,
    /// A whole number from 0 to `max`.
    UpTo {
        /// The most allowed.
        max: u32,
    },
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A whole number from 1; may be named up to `times_max` times.
    Numbers {
        /// How often at most.
        times_max: usize,
    },
    /// Two words with a dot between; may be named up to `times_max` times.
    Types {
        /// How often at most.
        times_max: usize,
    },
    /// Any text that is not empty; the handler checks it.
    Text,
    /// Any text, also an empty one; the handler checks it.
    AnyText,
    /// Any text, also an empty one, that has to be there; the handler checks it.
    RequiredText,
}

/// The parameters of one request, by the names that its route takes.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the part of a URL behind `?`; empty where there is none.
    pub(crate) fn parse(
        text: &str,
        known: &'static [Parameter],
        unknown: Unknown,
        violations: &mut Violations,
    ) -> Query {
        let mut query = Query::default();
        let mut refused = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(raw_name).unwrap_or_else(|| raw_name.to_owned());
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                if unknown == Unknown::Refused {
                    violations.parameter(&name, Code::UnknownParameter, "is not one of this route");
                }
                continue;
            };
            let times_max = parameter.kind.times_max();
            if query.all(parameter.name).count() >= times_max {
                let words = match times_max {
                    1 => "is named twice".into(),
                    max => format!("is named more than {max} times"),
                };
                violations.parameter(&name, Code::DuplicateParameter, &words);
            } else if let Some(value) = decoded(raw_value).filter(|value| parameter.kind.admits(value)) {
                query.0.push((parameter.name, value));
            } else {
                violations.parameter(&name, Code::InvalidParameter, &parameter.kind.wanted());
                refused.push(parameter.name);
            }
        }
        for parameter in known.iter().filter(|parameter| parameter.kind.is_required()) {
            if query.text(parameter.name).is_none() && !refused.contains(&parameter.name) {
                violations.parameter(parameter.name, Code::Missing, "must be there");
            }
        }
        query
    }

    /// The value of a parameter, if it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter that may be repeated, in the order of the request.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |known: &&(&'static str, String)| known.0 == name;
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of kind [`Kind::Position`].
    pub(crate) fn position(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(plain_number)
    }

    /// The value of a parameter of kind [`Kind::Count`].
    pub(crate) fn count(&self, name: &str) -> Option<u32> {
        self.position(name).and_then(|number| u32::try_from(number).ok())
    }

    /// The value of a parameter of kind [`Kind::Positive`].
    pub(crate) fn positive(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(positive)
    }

    /// The names that were given.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

impl Kind {
    /// Whether a request without the parameter is refused.
    pub(crate) fn is_required(self) -> bool {
        matches!(self, Kind::RequiredText)
    }

    /// How often a request may name it.
    pub(crate) fn times_max(self) -> usize {
        match self {
            Kind::Numbers { times_max } | Kind::Types { times_max } => times_max,
            _ => 1,
        }
    }

    fn admits(self, value: &str) -> bool {
        match self {
            Kind::UpTo { max } => plain_number(value).is_some_and(|number| number <= u64::from(max)),
            Kind::Numbers { .. } => plain_number(value).is_some_and(|number| number > 0),
            Kind::Types { .. } => value
                .split_once('.')
                .is_some_and(|(thing, action)| is_word(thing) && is_word(action)),
            Kind::Position => plain_number(value).is_some(),
            Kind::Count { max } => {
                plain_number(value).is_some_and(|number| (1..=u64::from(max)).contains(&number))
            }
            Kind::Positive => positive(value).is_some(),
            Kind::OneOf(words) => words.contains(&value),
            Kind::Text => !value.is_empty() && !value.contains('\0'),
            Kind::AnyText | Kind::RequiredText => true,
        }
    }

    fn wanted(self) -> Cow<'static, str> {
        match self {
            Kind::Position => "must be a whole number from 0, in its plain form".into(),
            Kind::Count { max } => format!("must be a whole number from 1 to {max}").into(),
            Kind::Positive => "must be a whole number from 1".into(),
            Kind::UpTo { max } => format!("must be a whole number from 0 to {max}").into(),
            Kind::Numbers { .. } => "must be a whole number from 1".into(),
            Kind::Types { .. } => "must be a type of entries, such as message.created".into(),
            Kind::OneOf(words) => format!("must be {}", words.join(" or ")).into(),
            Kind::Text => "must be a text in UTF-8 that is not empty".into(),
            Kind::AnyText | Kind::RequiredText => "must be a text in UTF-8".into(),
        }
    }
}

/// A whole number from 1 in digits; the largest there is for one that is larger.
fn positive(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().unwrap_or(u64::MAX));
    number.filter(|number| *number > 0)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A name or value as `application/x-www-form-urlencoded` writes it.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[
        Parameter {
            name: "after",
            kind: Kind::Position,
            description: "",
        },
        Parameter {
            name: "limit",
            kind: Kind::Count { max: 200 },
            description: "",
        },
        Parameter {
            name: "order",
            kind: Kind::OneOf(&["number"]),
            description: "",
        },
        Parameter {
            name: "q",
            kind: Kind::Text,
            description: "",
        },
    ];

    fn refused(text: &str) -> usize {
        let mut violations = Violations::default();
        Query::parse(text, KNOWN, Unknown::Refused, &mut violations);
        violations.check().map_or_else(
            |problem| format!("{problem:?}").matches("Violation {").count(),
            |()| 0,
        )
    }

    #[test]
    fn values_are_read_by_their_kind() {
        let mut violations = Violations::default();
        let query = Query::parse(
            "after=0&limit=200&&order=number&q=a+b%2Bc",
            KNOWN,
            Unknown::Refused,
            &mut violations,
        );
        assert!(violations.check().is_ok());
        assert_eq!(
            (query.position("after"), query.count("limit")),
            (Some(0), Some(200))
        );
        assert_eq!(query.text("q"), Some("a b+c"));
        assert_eq!(query.position("before"), None);
    }

    #[test]
    fn every_wrong_parameter_is_refused() {
        for wrong in [
            "after=",
            "after",
            "after=-1",
            "after=01",
            "after=%31x",
            "limit=0",
            "limit=201",
            "order=x",
            "q=",
            "q=%ff",
            "x=1",
            "after=1&after=1",
        ] {
            assert_eq!(refused(wrong), 1, "{wrong}");
        }
        assert_eq!(refused("x=1&limit=0&after=z"), 3);
    }

    #[test]
    fn a_parameter_may_be_repeated_up_to_its_bound() {
        let known: &[Parameter] = &[
            Parameter {
                name: "chat",
                kind: Kind::Numbers { times_max: 2 },
                description: "",
            },
            Parameter {
                name: "type",
                kind: Kind::Types { times_max: 2 },
                description: "",
            },
            Parameter {
                name: "wait",
                kind: Kind::UpTo { max: 60 },
                description: "",
            },
        ];
        let refusals = |text: &str| {
            let mut violations = Violations::default();
            let query = Query::parse(text, known, Unknown::Refused, &mut violations);
            let all: Vec<String> = query.all("chat").map(str::to_owned).collect();
            (
                all.join(" "),
                violations
                    .check()
                    .map_or_else(|problem| problem.errors().len(), |()| 0),
            )
        };
        assert_eq!(refusals("chat=7&type=a.b&chat=9&wait=0"), ("7 9".into(), 0));
        assert_eq!(refusals("chat=7&chat=9&chat=9&wait=60"), ("7 9".into(), 1));
        for wrong in [
            "chat=0",
            "chat=01",
            "chat=x",
            "type=created",
            "type=.b",
            "type=A.b",
            "wait=61",
            "wait=-1",
        ] {
            assert_eq!(refusals(wrong).1, 1, "{wrong}");
        }
    }

    #[test]
    fn a_required_text_may_be_empty_and_is_refused_once_if_it_is_absent_or_not_a_text() {
        let known: &[Parameter] = &[Parameter {
            name: "q",
            kind: Kind::RequiredText,
            description: "",
        }];
        for (text, codes) in [
            ("q=", vec![]),
            ("q=%00", vec![]),
            ("", vec![Code::Missing]),
            ("q=%ff", vec![Code::InvalidParameter]),
            ("q=a&q=b", vec![Code::DuplicateParameter]),
            ("x=1", vec![Code::UnknownParameter, Code::Missing]),
        ] {
            let mut violations = Violations::default();
            Query::parse(text, known, Unknown::Refused, &mut violations);
            let found: Vec<Code> = match violations.check() {
                Ok(()) => Vec::new(),
                Err(problem) => problem.errors().iter().map(|error| error.code).collect(),
            };
            assert_eq!(found, codes, "{text}");
        }
    }
}
