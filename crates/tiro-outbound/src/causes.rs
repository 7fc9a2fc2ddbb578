//! What an error says, with its causes: the last of them is often the only one that helps.

use std::error::Error;

/// The texts of an error and its causes, the outermost first. A cause that was said already is not said again, and names and
/// passwords of URLs are left out.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    without_accounts(&text)
}

/// URLs lose what stands between `://` and the last `@` before a space.
fn without_accounts(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + "://".len());
        shown.push_str(before);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let account = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[account..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Said(&'static str, Option<Box<Said>>);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Said {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &dyn Error)
        }
    }

    #[test]
    fn each_cause_is_said_once() {
        let innermost = Said("certificate unknown", None);
        let repeated = Said("handshake: certificate unknown", Some(Box::new(innermost)));
        let error = Said("not sent", Some(Box::new(repeated)));
        assert_eq!(causes(&error), "not sent: handshake: certificate unknown");
    }

    #[test]
    fn accounts_of_urls_are_left_out() {
        let error = Said("no https://name:p@ss@host:1/x or amqp://host, it said a@b", None);
        assert_eq!(causes(&error), "no https://host:1/x or amqp://host, it said a@b");
    }
}
