//! What the addresses of the four systems may say. Whatever is not understood is refused by its name, since a misspelt
//! setting of encryption would be silently none.
//!
//! The texts show no part of an address that may be a password: with `?`, `#` or `@` unescaped in one, that is any part.

use std::path::Path;

use lapin::uri::AMQPUri;
use reqwest::Url;

/// The form of a system's address.
struct Form {
    schemes: &'static [&'static str],
    /// Of its query.
    parameters: &'static [&'static str],
    example: &'static str,
}

const MYSQL: Form = Form {
    schemes: &["mysql", "mariadb"],
    parameters: &[
        "ssl-mode",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
        "sslmode",
        "sslca",
        "sslcert",
        "sslkey",
        "charset",
        "collation",
        "socket",
        "statement-cache-capacity",
        "time-zone",
        "timezone",
    ],
    example: "mysql://user:password@host:3306/tiro",
};
const RABBITMQ: Form = Form {
    schemes: &["amqp", "amqps"],
    parameters: &[
        "auth_mechanism",
        "channel_max",
        "connection_timeout",
        "frame_max",
        "heartbeat",
    ],
    example: "amqp://user:password@host:5672/vhost",
};
const REDIS: Form = Form {
    schemes: &["redis", "rediss", "valkey", "valkeys"],
    parameters: &["protocol"],
    example: "redis://user:password@host:6379/0",
};
const REDIS_SOCKET: Form = Form {
    schemes: &["unix", "redis+unix", "valkey+unix"],
    parameters: &["db", "user", "pass", "protocol"],
    example: "redis+unix:///run/redis.sock?db=0",
};
const OPENSEARCH: Form = Form {
    schemes: &["http", "https"],
    parameters: &[],
    example: "https://user:password@host:9200",
};

const SSL_MODES: [&str; 5] = [
    "DISABLED",
    "PREFERRED",
    "REQUIRED",
    "VERIFY_CA",
    "VERIFY_IDENTITY",
];
/// Parameters of MySQL that name files.
const SSL_FILES: [&str; 6] = ["ssl-ca", "ssl-cert", "ssl-key", "sslca", "sslcert", "sslkey"];
/// What other programs call the file of a CA, without `-` and `_`.
const CA_NAMES: [&str; 8] = [
    "ca",
    "cacert",
    "cacertfile",
    "cafile",
    "sslca",
    "sslrootcert",
    "tlsca",
    "tlscafile",
];
const NO_CLIENT_CERTIFICATES: &str = "client certificates are known for MySQL alone";

/// A parameter of MySQL's address under either of its two names (`ssl-mode`, `sslmode`); the last one counts.
pub(crate) fn ssl_parameter(url: &Url, name: &str) -> Option<String> {
    let wanted = name.replace('-', "");
    let of_name = url
        .query_pairs()
        .filter(|(key, _)| key.replace('-', "") == wanted);
    of_name.last().map(|(_, value)| value.into_owned())
}

/// Whether the address wants the server to be verified, and names nobody to do it by.
pub(super) fn mysql_needs_trust(url: &Url) -> bool {
    let mode = ssl_parameter(url, "ssl-mode");
    let verifies = mode.is_some_and(|mode| mode.to_ascii_uppercase().starts_with("VERIFY_"));
    verifies && ssl_parameter(url, "ssl-ca").is_none()
}

pub(super) fn mysql(text: &str) -> Result<Url, String> {
    let url = MYSQL.read(text)?;
    if let Some(mode) = ssl_parameter(&url, "ssl-mode")
        && !SSL_MODES.contains(&mode.to_ascii_uppercase().as_str())
    {
        return Err(format!(
            "`ssl-mode={mode}` is none; there are {}",
            SSL_MODES.join(", ")
        ));
    }
    number::<usize>(&url, "statement-cache-capacity")?;
    for (name, value) in url.query_pairs() {
        // The driver takes the text of a certificate, too.
        if SSL_FILES.contains(&&*name) && !value.trim_start().starts_with("-----BEGIN") {
            std::fs::File::open(Path::new(&*value))
                .map_err(|error| format!("`{name}={value}` cannot be read: {error}"))?;
        }
    }
    let client = ["ssl-cert", "ssl-key"].map(|name| ssl_parameter(&url, name).is_some());
    if client[0] != client[1] {
        return Err("`ssl-cert` and `ssl-key` have to be given together".to_owned());
    }
    Ok(url)
}

pub(super) fn rabbitmq(text: &str) -> Result<Url, String> {
    let url = RABBITMQ.read(text)?;
    number::<u16>(&url, "channel_max")?;
    number::<u16>(&url, "heartbeat")?;
    number::<u32>(&url, "frame_max")?;
    number::<u64>(&url, "connection_timeout")?;
    let is_external = url
        .query_pairs()
        .any(|(name, value)| name == "auth_mechanism" && value.eq_ignore_ascii_case("external"));
    if is_external {
        return Err(format!(
            "`auth_mechanism=external` cannot be used: {NO_CLIENT_CERTIFICATES}"
        ));
    }
    text.parse::<AMQPUri>()?;
    Ok(url)
}

pub(super) fn redis(text: &str) -> Result<Url, String> {
    let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
    if scheme.contains("sentinel") {
        return Err(
            "addresses of Sentinel are not understood: name the primary, or what stands before it".to_owned(),
        );
    }
    let form = if REDIS_SOCKET.schemes.contains(&scheme) {
        REDIS_SOCKET
    } else {
        REDIS
    };
    let url = form.read(text)?;
    // Its texts show nothing of the address.
    ::redis::Client::open(text).map_err(|error| error.to_string())?;
    Ok(url)
}

pub(super) fn opensearch(text: &str) -> Result<Url, String> {
    OPENSEARCH.read(text)
}

impl Form {
    fn read(&self, text: &str) -> Result<Url, String> {
        let example = self.example;
        let escaped = "with `@ : / ? #` of a password written as %40 %3A %2F %3F %23";
        let url =
            Url::parse(text).map_err(|error| format!("is no URL such as {example}, {escaped}: {error}"))?;
        if !self.schemes.contains(&url.scheme()) {
            let schemes: Vec<String> = self.schemes.iter().map(|scheme| format!("{scheme}://")).collect();
            return Err(format!("has to begin with {}", schemes.join(" or ")));
        }
        let needs_host = !REDIS_SOCKET.schemes.contains(&url.scheme());
        if needs_host && url.host_str().is_none_or(str::is_empty) {
            return Err(format!("names no host; it is such as {example}"));
        }
        if url.fragment().is_some() {
            return Err(format!(
                "has a `#`, and what follows means nothing here: it is such as {example}, {escaped}"
            ));
        }
        if url.query().is_some_and(|query| query.contains('@')) {
            return Err(format!(
                "has a `?` before its `@`: it is such as {example}, {escaped}"
            ));
        }
        for (name, _) in url.query_pairs() {
            if !self.parameters.contains(&&*name) {
                return Err(self.unknown(&name));
            }
        }
        Ok(url)
    }

    fn unknown(&self, name: &str) -> String {
        let known = if self.parameters.is_empty() {
            "none".to_owned()
        } else {
            self.parameters.join(", ")
        };
        let bare = name.to_ascii_lowercase().replace(['-', '_'], "");
        let way = if CA_NAMES.contains(&bare.as_str()) {
            "; the file of a CA is named by the member `ca`".to_owned()
        } else if ["cert", "certfile", "key", "keyfile"].contains(&bare.as_str()) {
            format!("; {NO_CLIENT_CERTIFICATES}")
        } else {
            String::new()
        };
        format!("has the parameter `{name}`, which is not known ({known}){way}")
    }
}

fn number<T: std::str::FromStr>(url: &Url, name: &str) -> Result<(), String> {
    match url.query_pairs().find(|(key, _)| key == name) {
        Some((_, value)) if value.parse::<T>().is_err() => Err(format!(
            "`{name}={value}` has to be a whole number that is not too large"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Reading = fn(&str) -> Result<Url, String>;

    #[test]
    fn addresses_of_every_form_are_read() {
        let right: [(Reading, &str); 12] = [
            (mysql, "mysql://u:p%40s@h:3306/tiro?ssl-mode=verify_ca"),
            (mysql, "mariadb://u@h/tiro?sslmode=REQUIRED&charset=utf8mb4"),
            (mysql, "mysql://u@localhost/tiro?socket=/run/mysqld.sock"),
            (rabbitmq, "amqp://h"),
            (
                rabbitmq,
                "amqps://u:p@h:5671/%2f?heartbeat=5&auth_mechanism=plain",
            ),
            (redis, "redis://h"),
            (redis, "rediss://u:p@h:6380/2?protocol=resp3"),
            (redis, "valkeys://h"),
            (redis, "redis+unix:///run/redis.sock?db=1&user=u&pass=p"),
            (opensearch, "http://h:9200"),
            (opensearch, "https://u:p%23@h/below/it"),
            (opensearch, "https://[::1]:9200"),
        ];
        for (read, text) in right {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn an_address_of_mysql_that_names_its_ca_needs_no_other() {
        let needs = |query| mysql_needs_trust(&mysql(&format!("mysql://h/tiro{query}")).expect(query));
        assert!(needs("?ssl-mode=verify_ca"));
        assert!(!needs("?ssl-mode=VERIFY_CA&ssl-ca=/dev/null"));
        assert!(!needs("?ssl-mode=required") && !needs(""));
    }

    #[test]
    fn whatever_is_not_understood_is_named_and_no_password_is_shown() {
        let wrong: [(Reading, &str, &str); 27] = [
            (mysql, "mysql://u:hush@h/tiro?ssl_ca=x", "`ssl_ca`"),
            (mysql, "mysql://u:hush@h/tiro?ssl_ca=x", "the member `ca`"),
            (mysql, "mysql://u:hush@h/tiro?sslMode=required", "`sslMode`"),
            (
                mysql,
                "mysql://u:hush@h/tiro?sslMode=required",
                "ssl-mode, ssl-ca",
            ),
            (
                mysql,
                "mysql://u:hush@h/tiro?ssl-mode=verify-full",
                "`ssl-mode=verify-full`",
            ),
            (
                mysql,
                "mysql://u:hush@h/tiro?ssl-ca=/no/such.pem",
                "`ssl-ca=/no/such.pem`",
            ),
            (
                mysql,
                "mysql://u:hush@h/tiro?ssl-cert=/dev/null",
                "`ssl-cert` and `ssl-key`",
            ),
            (
                mysql,
                "mysql://u:hush@h/tiro?statement-cache-capacity=x",
                "statement-cache-capacity=x",
            ),
            (mysql, "mysqls://u:hush@h/tiro", "mysql:// or mariadb://"),
            (mysql, "mysql://u:12#hush@h/tiro", "%23"),
            (mysql, "mysql://u:12?hush=1@h/tiro", "%3F"),
            (mysql, "mysql://u:hush/x@h/tiro", "%2F"),
            (rabbitmq, "amqp://u:hush@h?cacertfile=ca.pem", "`cacertfile`"),
            (rabbitmq, "amqp://u:hush@h?cacertfile=ca.pem", "the member `ca`"),
            (rabbitmq, "amqp://u:hush@h?certfile=c.pem", "MySQL alone"),
            (rabbitmq, "amqp://u:hush@h?heartbeat=often", "heartbeat=often"),
            (
                rabbitmq,
                "amqp://u:hush@h?auth_mechanism=External",
                "client certificates",
            ),
            (rabbitmq, "amqp://u:hush@h?auth_mechanism=no", "mechanism"),
            (rabbitmq, "amqpx://u:hush@h", "amqp:// or amqps://"),
            (rabbitmq, "amqp:hush", "no host"),
            (redis, "rediss://u:hush@h/#insecure", "`#`"),
            (redis, "redis://u:hush@h/zero", "database number"),
            (redis, "redis://u:hush@h?insecure=true", "`insecure`"),
            (redis, "redis-sentinel://u:hush@h/primary", "Sentinel"),
            (opensearch, "https://u:hush@h?verify=false", "`verify`"),
            (opensearch, "https://u:hush@h?verify=false", "(none)"),
            (opensearch, "ftp://u:hush@h", "http:// or https://"),
        ];
        for (read, text, named) in wrong {
            let error = read(text).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
