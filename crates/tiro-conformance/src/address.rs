//! Addresses of systems with one part changed, by what parses addresses: whatever else they say stays.

use url::Url;

/// The same server, and this database of it.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn in_database(address: &str, database: &str) -> String {
    let mut url = parsed(address);
    url.set_path(database);
    url.into()
}

/// The same account and database, at a port of this machine.
///
/// # Panics
/// When it is no address, or names no host.
#[must_use]
pub fn at_port(address: &str, port: u16) -> String {
    let mut url = parsed(address);
    url.set_host(Some("127.0.0.1")).expect("an address names a host");
    url.set_port(Some(port)).expect("a host has a port");
    let changed: String = url.into();
    // What parses addresses gives one of HTTP a path.
    match changed.strip_suffix('/') {
        Some(bare) if !address.ends_with('/') => bare.to_owned(),
        _ => changed,
    }
}

/// With this parameter, in place of the one of that name.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let mut url = parsed(address);
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(other, _)| other != name)
        .map(|(other, value)| (other.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(name, value);
    url.into()
}

/// `host:port`.
///
/// # Panics
/// When it is no address, or names no host or port.
#[must_use]
pub fn host_and_port(address: &str) -> String {
    let Parts { host, port, .. } = Parts::of(address);
    format!("{host}:{port}")
}

/// What an address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// A name or number.
    pub host: String,
    /// Of TCP.
    pub port: u16,
    /// Empty where there is none.
    pub user: String,
    /// Empty where there is none.
    pub password: String,
    /// Without the first slash: a database.
    pub path: String,
}

impl Parts {
    /// Of an address whose account needs no percent-encoding.
    ///
    /// # Panics
    /// When it is no address, or names no host or port.
    #[must_use]
    pub fn of(address: &str) -> Parts {
        let url = parsed(address);
        Parts {
            host: url.host_str().expect("an address names a host").to_owned(),
            port: url.port_or_known_default().expect("a host has a port"),
            user: url.username().to_owned(),
            password: url.password().unwrap_or_default().to_owned(),
            path: url.path().trim_start_matches('/').to_owned(),
        }
    }
}

fn parsed(address: &str) -> Url {
    Url::parse(address).unwrap_or_else(|error| panic!("`{address}` is no address: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_changed_and_the_others_stay() {
        let address = "mysql://tiro:a%2Fb@127.0.0.1:3306/tiro?ssl-mode=REQUIRED&ssl-ca=%2Fetc%2Fca.pem";
        assert_eq!(
            in_database(address, "other"),
            "mysql://tiro:a%2Fb@127.0.0.1:3306/other?ssl-mode=REQUIRED&ssl-ca=%2Fetc%2Fca.pem"
        );
        assert_eq!(
            with_parameter(&at_port(address, 7), "ssl-mode", "DISABLED"),
            "mysql://tiro:a%2Fb@127.0.0.1:7/tiro?ssl-ca=%2Fetc%2Fca.pem&ssl-mode=DISABLED"
        );
        assert_eq!(
            in_database("redis://127.0.0.1:6379/0", "9"),
            "redis://127.0.0.1:6379/9"
        );
        assert_eq!(at_port("http://127.0.0.1:9200", 7), "http://127.0.0.1:7");
        assert_eq!(host_and_port(address), "127.0.0.1:3306");
    }
}
