//! Bodies of classic requests: plain, wrapped in the name of their thing, or forms; what is unknown is ignored.
//!
//! A member is looked for inside the wrapper first, then beside it. What it must be is told by [`crate::fields`].

use tiro_core::{Body, Fault, Limits, Name, Patch, Title};

use super::form;
use crate::body::MediaType;
use crate::call::Call;
use crate::dialect::Unknown;
use crate::fields::{self, Raw, Reader};
use crate::json::{self, Place};
use crate::problem::Problem;
use crate::violations::Violations;

/// The body of a classic request, as JSON.
pub(super) struct Fields {
    text: String,
    /// The name of the thing, in which its members may be wrapped.
    wrapper: &'static str,
}

/// A member and where it stood.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) raw: Raw<'a>,
    pub(super) name: &'static str,
    pub(super) place: Place,
}

impl Fields {
    /// Reads the body of a request. Nothing, or `null`, is an object without members.
    ///
    /// # Errors
    /// 415, 413, 408, 400.
    pub(super) async fn read(call: &mut Call, wrapper: &'static str) -> Result<Fields, Problem> {
        let accepted = [MediaType::Json, MediaType::MergePatch, MediaType::Form];
        let bytes_max = call.request_bytes_max;
        let (media_type, bytes) = call.read_at_most(&accepted, bytes_max).await?;
        let text = match media_type {
            MediaType::Form => form::to_json(&bytes)?,
            _ => json::text(&bytes)?.trim_ascii().to_owned(),
        };
        let text = if text.is_empty() || text == "null" {
            "{}".to_owned()
        } else {
            text
        };
        Ok(Fields { text, wrapper })
    }

    /// The members of these names.
    ///
    /// # Errors
    /// 400 if the text is not JSON; 422 if it is not an object or names a member twice.
    pub(super) fn members<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Member<'_>; N], Problem> {
        let mut violations = Violations::default();
        let beside = object(&self.text, names, Place::Body, &mut violations)?;
        let beside = violations.accept(beside)?;
        let mut violations = Violations::default();
        let within = match object(&self.text, [self.wrapper], Place::Body, &mut violations)? {
            Some([Some(wrapped)]) if wrapped.get().starts_with('{') => {
                object(wrapped.get(), names, Place::Member(self.wrapper), &mut violations)?
            }
            _ => None,
        };
        violations.check()?;
        let within = within.unwrap_or([None; N]);
        Ok(std::array::from_fn(|index| {
            let (raw, place) = match within[index] {
                Some(raw) => (Some(raw), Place::Member(self.wrapper)),
                None => (beside[index], Place::Body),
            };
            Member {
                raw,
                name: names[index],
                place,
            }
        }))
    }
}

fn object<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
    place: Place,
    violations: &mut Violations,
) -> Result<Option<json::Members<'a, N>>, Problem> {
    json::object(text, names, place, Unknown::Ignored, violations)
}

impl Member<'_> {
    /// The member, unless it is absent or `null`.
    pub(super) fn given(self) -> Option<Self> {
        self.raw.is_some_and(|raw| !fields::is_null(raw)).then_some(self)
    }
}

/// The name of an application; there has to be one.
pub(super) fn name(name: Member<'_>, reader: &mut Reader<'_>) -> Option<Name> {
    reader.required(name.raw, name.name, name.place, Name::new)
}

/// The body of a message; there has to be one.
pub(super) fn body(body: Member<'_>, reader: &mut Reader<'_>) -> Option<Body> {
    reader.required(body.raw, body.name, body.place, Body::new)
}

/// What becomes of the title of a chat: `title` beats `name`, and a blank one is none.
pub(super) fn title(title: Member<'_>, name: Member<'_>, reader: &mut Reader<'_>) -> Option<Patch<Title>> {
    let Some(given) = title.given().or(name.given()) else {
        let cleared = title.raw.or(name.raw).is_some();
        return Some(if cleared { Patch::Clear } else { Patch::Keep });
    };
    let text = reader.text(given.raw?, given.name, given.place, title_or_none)?;
    Some(text.map_or(Patch::Clear, Patch::Set))
}

fn title_or_none(text: &str, limits: &Limits) -> Result<Option<Title>, Fault> {
    match Title::new(text, limits) {
        Err(Fault::Blank) => Ok(None),
        title => title.map(Some),
    }
}
