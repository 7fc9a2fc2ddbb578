//! A hit as a line for people: where it is, who said it when, and the body with its matches.

use std::io::IsTerminal;

use tiro_client::api::{HighlightRange, Hit};

use crate::cli::SearchArgs;
use crate::terminal::visible;

/// Bold red, as `grep` has it.
const MATCH: &str = "\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";
const BETWEEN: &str = "  ";

/// What lines look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    place: Place,
    matches: Matches,
}

/// What tells where a message is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The application too, since hits come from many.
    WithApplication,
    InApplication,
}

/// How matches stand out.
#[derive(Clone, Copy, Debug)]
enum Matches {
    Coloured,
    Plain,
}

impl Layout {
    pub(super) fn of(args: &SearchArgs) -> Layout {
        let place = match args.application {
            Some(_) => Place::InApplication,
            None => Place::WithApplication,
        };
        let wanted = |name: &str, unwanted: fn(&str) -> bool| {
            std::env::var_os(name).is_none_or(|value| !unwanted(&value.to_string_lossy()))
        };
        let coloured = std::io::stdout().is_terminal()
            && wanted("NO_COLOR", |value| !value.is_empty())
            && wanted("TERM", |value| value == "dumb");
        let matches = if coloured {
            Matches::Coloured
        } else {
            Matches::Plain
        };
        Layout { place, matches }
    }

    /// The line without its end.
    pub(super) fn line(self, hit: &Hit<'_>) -> String {
        let mut line = String::new();
        if let Place::WithApplication = self.place {
            line.extend(hit.application.chars().map(visible));
            line.push_str(BETWEEN);
        }
        let message = &hit.message;
        line.push_str(&format!("{}/{}{BETWEEN}", hit.chat, message.number));
        line.extend(message.sender.as_deref().unwrap_or("-").chars().map(visible));
        line.push_str(&format!("{BETWEEN}{}{BETWEEN}", message.created_at));
        // A hit is no tombstone, so it has a body.
        let body = message.body.as_deref().unwrap_or_default();
        self.matches.append(body, &hit.highlights, &mut line);
        line
    }
}

impl Matches {
    /// Appends a body on one line. Places count Unicode scalar values, ascending and apart.
    fn append(self, body: &str, places: &[HighlightRange], line: &mut String) {
        if let Matches::Plain = self {
            return line.extend(body.chars().map(visible));
        }
        let mut places = places.iter().peekable();
        let mut coloured = false;
        for (index, character) in (0_u64..).zip(body.chars()) {
            while places.next_if(|place| place.end <= index).is_some() {}
            let inside = places.peek().is_some_and(|place| place.start <= index);
            if inside != coloured {
                line.push_str(if inside { MATCH } else { PLAIN });
                coloured = inside;
            }
            line.push(visible(character));
        }
        if coloured {
            line.push_str(PLAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use tiro_client::api::{Message, Time};

    use super::*;

    fn hit(sender: Option<&'static str>, body: &'static str, places: &[(u64, u64)]) -> Hit<'static> {
        let at = Time::from_millis(0).unwrap();
        Hit {
            application: Cow::Borrowed("app_of_some_length"),
            chat: 4,
            message: Message {
                number: 17,
                body: Some(Cow::Borrowed(body)),
                sender: sender.map(Cow::Borrowed),
                metadata: None,
                created_at: at,
                updated_at: at,
                deleted_at: None,
                version: 1,
            },
            highlights: places
                .iter()
                .map(|(start, end)| HighlightRange {
                    start: *start,
                    end: *end,
                })
                .collect(),
        }
    }

    #[test]
    fn a_line_says_where_who_when_and_what_and_the_application_only_among_many() {
        let hit = hit(Some("ada"), "hello", &[(0, 5)]);
        let (place, matches) = (Place::InApplication, Matches::Plain);
        let inside = Layout { place, matches }.line(&hit);
        assert_eq!(inside, "4/17  ada  1970-01-01T00:00:00.000Z  hello");
        let place = Place::WithApplication;
        let among_many = Layout { place, matches }.line(&hit);
        assert_eq!(among_many, format!("app_of_some_length  {inside}"));
    }

    #[test]
    fn matches_are_coloured_character_by_character_and_nothing_else_is() {
        let coloured = |body, places: &[(u64, u64)]| {
            let (place, matches) = (Place::InApplication, Matches::Coloured);
            let line = Layout { place, matches }.line(&hit(None, body, places));
            let body = line.strip_prefix("4/17  -  1970-01-01T00:00:00.000Z  ").unwrap();
            body.replace(MATCH, "<").replace(PLAIN, ">")
        };
        for (body, places, wanted) in [
            ("a cat, a cat", vec![(2, 5), (9, 12)], "a <cat>, a <cat>"),
            ("👋🏽 世界!", vec![(3, 5)], "👋🏽 <世界>!"),
            ("cafe\u{301}!", vec![(0, 5)], "<cafe\u{301}>!"),
            ("abc", vec![(0, 1), (1, 2)], "<ab>c"),
            ("abc", vec![(2, 9)], "ab<c>"),
            ("abc", vec![(7, 9)], "abc"),
            ("\x1b[2Jx\n", vec![(4, 6)], "␛[2J<x↵>"),
        ] {
            assert_eq!(coloured(body, &places), wanted, "{body:?}");
        }
    }

    #[test]
    fn nothing_that_somebody_wrote_can_steer_a_terminal_or_add_a_line() {
        let hit = hit(
            Some("a\x1b]0;b\x07\u{202e}"),
            "one\r\ntwo\u{9b}31m\u{2028}three\t\x7f",
            &[(0, 3)],
        );
        for matches in [Matches::Plain, Matches::Coloured] {
            let place = Place::WithApplication;
            let line = Layout { place, matches }.line(&hit);
            let text = line.replace(MATCH, "").replace(PLAIN, "");
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(!text.contains(['\u{2028}', '\u{202e}']), "{text:?}");
        }
    }
}
