//! Reading JSON objects member by member, so that every violation can be named by its pointer.
//!
//! An object becomes the raw texts of its known members; what each of them must be is told by `fields`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tiro_api::Code;

use crate::dialect::Unknown;
use crate::problem::Problem;
use crate::violations::Violations;

/// Longest unknown name that is repeated in a pointer; a longer one is reported at its object.
const POINTER_NAME_BYTES_MAX: usize = 128;

/// Where an object stands in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// It is the body.
    Body,
    /// It is that member of the body.
    Member(&'static str),
    /// It is a message of a batch: `/messages/3`.
    InBatch(usize),
    /// It is a line of a batch: `/3`.
    OnLine(usize),
}

impl Place {
    /// The pointer of a member.
    pub(crate) fn member(self, name: &str) -> String {
        let mut pointer = self.pointer();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        pointer
    }

    /// The pointer of the object itself.
    pub(crate) fn pointer(self) -> String {
        match self {
            Place::Body => String::new(),
            Place::Member(name) => format!("/{name}"),
            Place::InBatch(index) => format!("/messages/{index}"),
            Place::OnLine(index) => format!("/{index}"),
        }
    }
}

/// The members that an object was found to have, as texts, in the order of the names asked for.
pub(crate) type Members<'a, const N: usize> = [Option<&'a RawValue>; N];

/// The body as text.
///
/// # Errors
/// 400 unless it is UTF-8.
pub(crate) fn text(body: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(body).map_err(|error| {
        let byte = error.valid_up_to() + 1;
        Problem::new(
            Code::MalformedJson,
            format!("the body is not UTF-8 at byte {byte}"),
        )
    })
}

/// The members of an object; `None` if it is another kind of value, which is then a violation.
///
/// # Errors
/// 400 if the text is not JSON.
pub(crate) fn object<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
    place: Place,
    unknown: Unknown,
    violations: &mut Violations,
) -> Result<Option<Members<'a, N>>, Problem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let visitor = ObjectVisitor {
        names,
        place,
        unknown,
        violations,
    };
    let read = reader
        .deserialize_map(visitor)
        .and_then(|members| reader.end().map(|()| members));
    match read {
        Ok(members) => Ok(Some(members)),
        Err(error) if error.is_data() => {
            well_formed(text, place)?;
            violations.at(&place.pointer(), Code::WrongType, "must be a JSON object");
            Ok(None)
        }
        Err(error) => Err(malformed(&error, place)),
    }
}

/// The items of an array, at most `max`, and how many there are; `None` if the value is not an array.
pub(crate) fn items(value: &RawValue, max: usize) -> Option<(Vec<&RawValue>, usize)> {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    reader.deserialize_seq(ItemsVisitor { max }).ok()
}

fn well_formed(text: &str, place: Place) -> Result<(), Problem> {
    serde_json::from_str::<IgnoredAny>(text)
        .map(drop)
        .map_err(|error| malformed(&error, place))
}

fn malformed(error: &serde_json::Error, place: Place) -> Problem {
    match place {
        Place::Body | Place::Member(_) => {
            Problem::new(Code::MalformedJson, format!("the body is not JSON: {error}"))
        }
        Place::InBatch(index) | Place::OnLine(index) => {
            let column = error.column();
            let line = index + 1;
            let violation = tiro_api::Violation::pointer(Code::MalformedJson, place.pointer());
            Problem::new(
                Code::MalformedJson,
                format!("message {line} is not JSON at column {column}"),
            )
            .with_errors(vec![violation])
        }
    }
}

/// The text of a JSON string; `None` if the value is of another type.
pub(crate) fn string(value: &RawValue) -> Option<Result<Cow<'_, str>, serde_json::Error>> {
    value
        .get()
        .starts_with('"')
        .then(|| serde_json::from_str::<Text<'_>>(value.get()).map(|text| text.0))
}

/// Borrows when the text has no escapes; a plain `Cow` would always copy.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct ObjectVisitor<'v, const N: usize> {
    names: [&'static str; N],
    place: Place,
    unknown: Unknown,
    violations: &'v mut Violations,
}

impl<'de, const N: usize> Visitor<'de> for ObjectVisitor<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [None; N];
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let Some(index) = self.names.iter().position(|known| *known == name) else {
                map.next_value::<IgnoredAny>()?;
                self.refuse_unknown(&name);
                continue;
            };
            let value: &RawValue = map.next_value()?;
            if members[index].replace(value).is_some() {
                let pointer = self.place.member(&name);
                self.violations
                    .at(&pointer, Code::DuplicateField, "is named twice");
            }
        }
        Ok(members)
    }
}

impl<const N: usize> ObjectVisitor<'_, N> {
    fn refuse_unknown(&mut self, name: &str) {
        if self.unknown == Unknown::Ignored || self.violations.is_full() {
            return;
        }
        let pointer = if name.len() <= POINTER_NAME_BYTES_MAX {
            self.place.member(name)
        } else {
            self.place.pointer()
        };
        let known = self.names.join(", ");
        self.violations.at(
            &pointer,
            Code::UnknownField,
            &format!("is not known; the members are {known}"),
        );
    }
}

/// Reads a member's name without copying it. A name that is no text (half of a surrogate pair) is an error of
/// syntax to `serde_json`.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        Text::deserialize(reader).map(|text| text.0)
    }
}

struct ItemsVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = (Vec<&'de RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.max {
            let Some(item) = seq.next_element::<&RawValue>()? else {
                let count = items.len();
                return Ok((items, count));
            };
            items.push(item);
        }
        let mut count = items.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((items, count))
    }
}
