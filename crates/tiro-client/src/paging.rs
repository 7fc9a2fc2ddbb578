//! Which page of a list.

/// The parameters of a page; what is absent is the server's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// Only what comes behind this: a number, or the `next` of the page before.
    pub after: Option<String>,
    /// Only what comes before this number.
    pub before: Option<String>,
    /// Only the end of the list, so many; goes with no other.
    pub last: Option<u32>,
    /// Most entries, 1 to 200.
    pub limit: Option<u32>,
}

impl Paging {
    /// What comes behind a number or a page's `next`; 0 is the beginning.
    #[must_use]
    pub fn after(place: impl ToString) -> Paging {
        Paging {
            after: Some(place.to_string()),
            ..Paging::default()
        }
    }

    /// What comes before a number.
    #[must_use]
    pub fn before(place: impl ToString) -> Paging {
        Paging {
            before: Some(place.to_string()),
            ..Paging::default()
        }
    }

    /// The last `count` entries.
    #[must_use]
    pub fn last(count: u32) -> Paging {
        Paging {
            last: Some(count),
            ..Paging::default()
        }
    }

    /// The same with at most `limit` entries.
    #[must_use]
    pub fn limit(self, limit: u32) -> Paging {
        Paging {
            limit: Some(limit),
            ..self
        }
    }

    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let number = |number: &Option<u32>| number.map(|number| number.to_string());
        [
            ("after", self.after.clone()),
            ("before", self.before.clone()),
            ("last", number(&self.last)),
            ("limit", number(&self.limit)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_sent() {
        assert_eq!(Paging::default().query(), []);
        assert_eq!(
            Paging::after(7).limit(3).query(),
            [("after", "7".to_owned()), ("limit", "3".to_owned())]
        );
        assert_eq!(Paging::last(50).query(), [("last", "50".to_owned())]);
    }
}
