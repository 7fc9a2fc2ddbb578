//! Settings of MySQL that Tiro's promises rest on: what it refuses to start with, and what puts it right.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// The least that `max_allowed_packet` has to be.
pub(crate) const PACKET_BYTES_MIN: u64 = 16 * 1024 * 1024;

const QUESTION: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'sync_binlog', \
     'log_bin', 'binlog_format', 'innodb_doublewrite', 'read_only', 'super_read_only', 'max_allowed_packet')";

/// A setting that acknowledged writes could be lost with, or no write be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsafe {
    /// Its name.
    pub setting: &'static str,
    /// What it is.
    pub value: String,
    /// What it has to be.
    pub wanted: &'static str,
    /// The statement that sets it until MySQL is started anew; `None` where only the option file does.
    pub statement: Option<String>,
    /// The line of the option file that sets it for good.
    pub line: String,
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (setting, value, wanted, line) = (self.setting, &self.value, self.wanted, &self.line);
        write!(f, "{setting} is {value} and has to be {wanted}: ")?;
        match &self.statement {
            Some(statement) => write!(f, "run `{statement};` and put `{line}` below [mysqld] in my.cnf"),
            None => write!(f, "put `{line}` below [mysqld] in my.cnf and start MySQL anew"),
        }
    }
}

type Values = HashMap<String, String, RandomState>;

/// Which settings are unsafe.
pub(crate) async fn find_unsafe(connection: &mut MySqlConnection) -> Result<Vec<Unsafe>, sqlx::Error> {
    let rows = sqlx::raw_sql(QUESTION).fetch_all(connection).await?;
    let values = rows
        .iter()
        .map(|row| Ok((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?)));
    Ok(judge(&values.collect::<Result<Values, sqlx::Error>>()?))
}

fn judge(values: &Values) -> Vec<Unsafe> {
    let value = |name: &str| values.get(name).map(|value| value.to_ascii_uppercase());
    let on = |name: &str| value(name).is_some_and(|value| value == "ON" || value == "1");
    let mut found = Vec::new();
    if value("innodb_flush_log_at_trx_commit").is_none_or(|value| value != "1") {
        found.push(dynamic(values, "innodb_flush_log_at_trx_commit", "1"));
    }
    if on("log_bin") && value("sync_binlog").is_none_or(|value| value != "1") {
        found.push(dynamic(values, "sync_binlog", "1"));
    }
    if on("log_bin") && value("binlog_format").is_some_and(|value| value == "STATEMENT") {
        found.push(dynamic(values, "binlog_format", "ROW"));
    }
    if value("innodb_doublewrite")
        .is_some_and(|value| value == "OFF" || value == "0" || value == "DETECT_ONLY")
    {
        found.push(Unsafe {
            statement: None,
            ..dynamic(values, "innodb_doublewrite", "ON")
        });
    }
    for name in ["read_only", "super_read_only"] {
        if value(name).is_some_and(|value| value != "OFF" && value != "0") {
            found.push(dynamic(values, name, "OFF"));
        }
    }
    let packet = value("max_allowed_packet").and_then(|value| value.parse::<u64>().ok());
    if packet.is_none_or(|bytes| bytes < PACKET_BYTES_MIN) {
        let packet = dynamic(values, "max_allowed_packet", "16777216");
        found.push(Unsafe {
            wanted: "16777216 or more",
            ..packet
        });
    }
    found
}

/// A setting that can be set while MySQL runs.
fn dynamic(values: &Values, setting: &'static str, wanted: &'static str) -> Unsafe {
    Unsafe {
        setting,
        value: values
            .get(setting)
            .cloned()
            .unwrap_or_else(|| "not there".to_owned()),
        wanted,
        statement: Some(format!("SET GLOBAL {setting} = {wanted}")),
        line: format!("{setting} = {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(changed: &[(&str, &str)]) -> Values {
        let safe = [
            ("innodb_flush_log_at_trx_commit", "1"),
            ("sync_binlog", "1"),
            ("log_bin", "ON"),
            ("binlog_format", "ROW"),
            ("innodb_doublewrite", "ON"),
            ("read_only", "OFF"),
            ("max_allowed_packet", "67108864"),
        ];
        let all = safe.iter().chain(changed);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_mysql_and_mariadb_come_with_is_safe_once_packets_are_large() {
        assert_eq!(judge(&values(&[])), []);
        assert_eq!(judge(&values(&[("super_read_only", "OFF")])), []);
        assert_eq!(
            judge(&values(&[("innodb_doublewrite", "DETECT_AND_RECOVER")])),
            []
        );
        assert_eq!(judge(&values(&[("log_bin", "OFF"), ("sync_binlog", "0")])), []);
    }

    #[test]
    fn what_is_unsafe_is_named_with_the_statement_that_puts_it_right() {
        for (setting, value, fix) in [
            (
                "innodb_flush_log_at_trx_commit",
                "2",
                "SET GLOBAL innodb_flush_log_at_trx_commit = 1;",
            ),
            ("sync_binlog", "0", "SET GLOBAL sync_binlog = 1;"),
            ("binlog_format", "STATEMENT", "SET GLOBAL binlog_format = ROW;"),
            ("innodb_doublewrite", "OFF", "innodb_doublewrite = ON"),
            ("read_only", "ON", "SET GLOBAL read_only = OFF;"),
            ("super_read_only", "ON", "SET GLOBAL super_read_only = OFF;"),
            (
                "max_allowed_packet",
                "1048576",
                "SET GLOBAL max_allowed_packet = 16777216;",
            ),
        ] {
            let found = judge(&values(&[(setting, value)]));
            assert_eq!(found.len(), 1, "{setting}");
            let text = found[0].to_string();
            assert!(
                text.contains(fix) && text.contains(setting) && text.contains(value),
                "{text}"
            );
        }
    }
}
