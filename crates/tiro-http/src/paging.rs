//! Which part of a list a query asks for, and the opaque places of lists that are not ordered by number.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tiro_api::Code;
use tiro_core::{
    ApplicationsAfter, BadSearchAfter, NumberRange, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, SearchAfter,
    SearchScope, Timestamp, Token,
};

use crate::path::plain_number;
use crate::problem::Problem;
use crate::query::{Kind, Parameter, Query};
use crate::violations::Violations;

pub(crate) const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: Kind::Count { max: PAGE_LIMIT_MAX },
    description: "Maximum number of items in a page; default 50.",
};
/// What is wrong with an opaque place that another list made, or nobody.
pub(crate) const MUST_BE_A_NEXT: &str = "must be the `next` of a page of this list";
const BEFORE: Parameter = Parameter {
    name: "before",
    kind: Kind::Position,
    description: "Only items with a lower number: the last ones of them, or with `after` the first ones of the range.",
};
const LAST: Parameter = Parameter {
    name: "last",
    kind: Kind::Count { max: PAGE_LIMIT_MAX },
    description: "The last N items, in ascending order; cannot be combined with other parameters. Continue with `before`.",
};

/// The parameters of a list of messages.
pub(crate) const BY_NUMBER: &[Parameter] = &[
    Parameter {
        name: "after",
        kind: Kind::Position,
        description: "Only items with a greater number; 0 starts at the first.",
    },
    BEFORE,
    LAST,
    LIMIT,
];

/// The parameters of a list of chats.
pub(crate) const CHATS: &[Parameter] = &[
    Parameter {
        name: "order",
        kind: Kind::OneOf(&["number", "activity"]),
        description: "`number` (default), or `activity`: the chat with the most recent message first, without deleted chats.",
    },
    Parameter {
        name: "after",
        kind: Kind::Text,
        description: "Only chats with a greater number; 0 starts at the first. With `order=activity`: `next` of the previous page.",
    },
    BEFORE,
    LAST,
    LIMIT,
];

/// The parameters of the list of applications.
pub(crate) const APPLICATIONS: &[Parameter] = &[
    Parameter {
        name: "after",
        kind: Kind::Text,
        description: "`next` of the previous page.",
    },
    LIMIT,
];

/// The parameters of a search.
pub(crate) const SEARCH: &[Parameter] = &[
    Parameter {
        name: "q",
        kind: Kind::RequiredText,
        description: "What to look for: terms between white space, each of which the body must contain, also inside \
                      words. A double quote at the start of a term opens a phrase that ends at a quote before white \
                      space or the end; nothing else has a meaning of its own. At most 512 characters and 16 terms.",
    },
    Parameter {
        name: "after",
        kind: Kind::Text,
        description: "`next` of the previous page.",
    },
    LIMIT,
    Parameter {
        name: "partial",
        kind: Kind::OneOf(&["true", "false"]),
        description: "`true`: where the index is too far behind, answer what is found up to `searched_through` \
                      instead of `search_behind`.",
    },
];

/// How many things are wanted at most.
pub(crate) fn limit(query: &Query) -> u32 {
    query.count("limit").unwrap_or(PAGE_LIMIT_DEFAULT)
}

/// The part of a numbered list that a query asks for.
pub(crate) fn number_range(query: &Query) -> Result<NumberRange, Problem> {
    if let Some(limit) = query.count("last") {
        if query.names().any(|name| name != "last") {
            return Err(refused(
                "last",
                Code::ConflictingParameters,
                "goes with no other parameter",
            ));
        }
        return Ok(NumberRange::Last { limit });
    }
    let limit = limit(query);
    let before = query.position("before");
    match (query.text("after"), before) {
        (None, Some(before)) => Ok(NumberRange::Before { before, limit }),
        (None, None) => Ok(NumberRange::After {
            after: 0,
            before: None,
            limit,
        }),
        (Some(text), before) => {
            let after = plain_number(text)
                .ok_or_else(|| refused("after", Code::InvalidParameter, "must be a whole number from 0"))?;
            Ok(NumberRange::After { after, before, limit })
        }
    }
}

/// The place in the list of chats by activity that a query asks for: below which position.
pub(crate) fn activity_before(query: &Query) -> Result<Option<u64>, Problem> {
    for name in ["before", "last"] {
        if query.text(name).is_some() {
            return Err(refused(
                name,
                Code::ConflictingParameters,
                "does not go with order=activity",
            ));
        }
    }
    query
        .text("after")
        .map(|text| opened(text, "chats").and_then(|place| plain_number(&place)))
        .map_or(Ok(None), |position| position.map(Some).ok_or_else(not_a_next))
}

/// The place in the list of applications that a query asks for.
pub(crate) fn applications_after(query: &Query) -> Result<Option<ApplicationsAfter>, Problem> {
    let Some(text) = query.text("after") else {
        return Ok(None);
    };
    let place = opened(text, "applications").ok_or_else(not_a_next)?;
    let (millis, token) = place.split_once(' ').ok_or_else(not_a_next)?;
    let millis = millis.parse().map_err(|_| not_a_next())?;
    let token = Token::parse(token).map_err(|_| not_a_next())?;
    Ok(Some(ApplicationsAfter {
        created_at: Timestamp::from_millis(millis),
        token,
    }))
}

/// The `next` of a page of chats by activity.
pub(crate) fn next_activity(position: u64) -> String {
    sealed("chats", &position.to_string())
}

/// The `next` of a page of applications.
pub(crate) fn next_application(after: &ApplicationsAfter) -> String {
    sealed(
        "applications",
        &format!("{} {}", after.created_at.as_millis(), after.token.as_str()),
    )
}

/// The place that a search goes on from, if the query names one.
pub(crate) fn search_after(
    query: &Query,
    scope: &SearchScope,
) -> Result<Option<SearchAfter>, BadSearchAfter> {
    let Some(text) = query.text("after") else {
        return Ok(None);
    };
    let place = opened(text, search_name(scope)).ok_or(BadSearchAfter)?;
    SearchAfter::parse(&place, scope).map(Some)
}

/// The `next` of a page of hits.
pub(crate) fn next_hits(after: &SearchAfter, scope: &SearchScope) -> String {
    sealed(search_name(scope), &after.to_string())
}

/// A place in one chat and one in an application are written alike; only the name tells them apart.
fn search_name(scope: &SearchScope) -> &'static str {
    match scope {
        SearchScope::Chat { .. } => "chat-search",
        SearchScope::Application(_) => "application-search",
        SearchScope::Everything => "search",
    }
}

fn sealed(list: &str, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list} {place}"))
}

fn opened(text: &str, list: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix(list)?.strip_prefix(' ').map(str::to_owned)
}

fn not_a_next() -> Problem {
    refused("after", Code::InvalidParameter, MUST_BE_A_NEXT)
}

fn refused(name: &str, code: Code, text: &str) -> Problem {
    let mut violations = Violations::default();
    violations.parameter(name, code, text);
    violations.into_problem()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Unknown;

    fn query(text: &str, known: &'static [Parameter]) -> Query {
        let mut violations = Violations::default();
        let query = Query::parse(text, known, Unknown::Refused, &mut violations);
        assert!(violations.check().is_ok(), "{text}");
        query
    }

    #[test]
    fn each_form_of_a_numbered_list_is_read() {
        let range = |text| number_range(&query(text, BY_NUMBER));
        assert_eq!(
            range("").unwrap(),
            NumberRange::After {
                after: 0,
                before: None,
                limit: 50
            }
        );
        assert_eq!(
            range("after=3&before=9&limit=2").unwrap(),
            NumberRange::After {
                after: 3,
                before: Some(9),
                limit: 2
            }
        );
        assert_eq!(
            range("before=9").unwrap(),
            NumberRange::Before { before: 9, limit: 50 }
        );
        assert_eq!(range("last=7").unwrap(), NumberRange::Last { limit: 7 });
        for wrong in ["last=7&limit=7", "last=7&after=0", "last=7&before=9"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_opaque_place_is_read_only_by_its_own_list() {
        let token = Token::parse("a_token_of_some_length").unwrap();
        let after = ApplicationsAfter {
            created_at: Timestamp::from_millis(-5),
            token,
        };
        let next = format!("after={}", next_application(&after));
        assert_eq!(
            applications_after(&query(&next, APPLICATIONS)).unwrap(),
            Some(after)
        );
        assert!(activity_before(&query(&next, CHATS)).is_err());
        let next = format!("after={}", next_activity(17));
        assert_eq!(activity_before(&query(&next, CHATS)).unwrap(), Some(17));
        assert!(applications_after(&query(&next, APPLICATIONS)).is_err());
        assert!(number_range(&query(&next, CHATS)).is_err());
    }
}
