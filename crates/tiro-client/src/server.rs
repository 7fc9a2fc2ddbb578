//! Where the server is: its address, checked once, and the URLs made from it.

use reqwest::Url;

use crate::Error;

/// The address of a server, perhaps with a path before `/v1`.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    base: Url,
}

impl Server {
    pub(crate) fn parse(text: &str) -> Result<Server, Error> {
        let unusable = |why: &str| Error::Unusable(format!("the server address `{text}` {why}"));
        let base = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => return Err(unusable("is not a URL such as http://127.0.0.1:3000")),
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Error::Unusable(
                "the server address holds a name or password: give the operator key instead".to_owned(),
            ));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(unusable(
                "has a query or fragment: leave out what follows the path",
            ));
        }
        Ok(Server { base })
    }

    pub(crate) fn address(&self) -> &Url {
        &self.base
    }

    /// Whether it is on this machine, so that no proxy may stand between.
    pub(crate) fn is_loopback(&self) -> bool {
        let Some(host) = self.base.host_str() else {
            return false;
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// Scheme, host and port, for messages: never a path, which may hold a token.
    pub(crate) fn name(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// The URL of a path; each segment and value is escaped as needed.
    pub(crate) fn url(&self, segments: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("http and https URLs have a path")
            .pop_if_empty()
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(server: &str, segments: &[&str], query: &[(&str, String)]) -> String {
        Server::parse(server).unwrap().url(segments, query).to_string()
    }

    #[test]
    fn urls_are_made_below_the_address_with_everything_escaped() {
        assert_eq!(
            url("http://127.0.0.1:3000", &["v1", "applications"], &[]),
            "http://127.0.0.1:3000/v1/applications"
        );
        assert_eq!(
            url(
                "http://127.0.0.1:3000/",
                &["v1", "a/b?c"],
                &[("q", "C++ & 世界".to_owned())]
            ),
            "http://127.0.0.1:3000/v1/a%2Fb%3Fc?q=C%2B%2B+%26+%E4%B8%96%E7%95%8C"
        );
        assert_eq!(
            url("https://example.org/tiro/", &["healthz"], &[]),
            "https://example.org/tiro/healthz"
        );
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_the_reason() {
        for (wrong, reason) in [
            ("localhost:3000", "is not a URL"),
            ("127.0.0.1:3000", "is not a URL"),
            ("ftp://127.0.0.1", "is not a URL"),
            ("http://", "is not a URL"),
            ("http://127.0.0.1:3000/?a=b", "query"),
            ("http://tiro:secret@127.0.0.1:3000", "operator key"),
        ] {
            let message = Server::parse(wrong).unwrap_err().to_string();
            assert!(message.contains(reason), "{wrong}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        for (server, expected) in [
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("http://localhost:3000", true),
            ("http://192.0.2.7:3000", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(Server::parse(server).unwrap().is_loopback(), expected, "{server}");
        }
    }
}
