//! Arguments of `tiro serve`.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use tiro_core::{Limits, RATE_LIMIT_MAX, RateLimit};
use tiro_http::Transport;

use super::not_empty;

const SERVE_HELP: &str = "\
Who may do what: creating, listing and deleting applications, import and export need the operator key; the token \
of an application opens that application. Without an operator key everyone who reaches the server may do \
everything, so it listens on this machine alone.

Examples:
  tiro serve
  tiro serve --listen 127.0.0.1:8080 --data /var/lib/tiro
  tiro serve --cluster /etc/tiro/cluster.toml
  TIRO_OPERATOR_KEY=$(openssl rand -hex 16) tiro serve --listen 0.0.0.0:3000
  tiro serve --listen 0.0.0.0:3000 --operator-key-file ./operator-key
  TIRO_LISTEN=127.0.0.1:3000,[::1]:3000 tiro serve --log-format json

Where it listens is printed on standard output, the log goes to standard error. SIGTERM and SIGINT let requests in \
flight finish and then end it; a second one ends it at once.

Exit status:
   0  after SIGTERM or SIGINT
   1  it could not start or go on
   2  a flag or variable is wrong
  70  the storage failed a write: start it again, it recovers (nothing acknowledged is lost)";

/// Arguments of `tiro serve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_HELP, after_long_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    /// Where to listen; may be repeated. Port 0 takes a free one and prints it.
    #[arg(
        long, env = "TIRO_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:3000",
        value_delimiter = ',', value_parser = address
    )]
    pub(crate) listen: Vec<SocketAddr>,

    /// The data folder; made if it is not there.
    #[arg(long, env = "TIRO_DATA", value_name = "DIR", default_value = "./tiro-data")]
    pub(crate) data: PathBuf,

    /// Be a node of a cluster instead: the file that says where its systems are.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE", conflicts_with = "data")]
    pub(crate) cluster: Option<PathBuf>,

    /// The key of the operator. Others on this machine can read flags: prefer the variable.
    #[arg(long, env = "TIRO_OPERATOR_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) operator_key: Option<String>,

    /// The file that holds the key of the operator. Where there is none, one is made with a random key, which is
    /// printed once. A key that is given by --operator-key beats it.
    #[arg(
        long,
        env = "TIRO_OPERATOR_KEY_FILE",
        value_name = "FILE",
        conflicts_with = "cluster"
    )]
    pub(crate) operator_key_file: Option<PathBuf>,

    /// Serve everyone who can reach the server, on any address, without a key.
    #[arg(long, env = "TIRO_OPEN", value_parser = BoolishValueParser::new())]
    pub(crate) open: bool,

    /// Let pages of this origin call Tiro from a browser, such as https://app.example.org; may be repeated.
    #[arg(long, env = "TIRO_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) cors_origin: Vec<String>,

    /// Open a damaged data folder although acknowledged writes are lost with what is damaged; see `tiro verify`.
    #[arg(long, env = "TIRO_ACCEPT_DATA_LOSS", value_parser = BoolishValueParser::new())]
    pub(crate) accept_data_loss: bool,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) rate: RateArgs,

    #[command(flatten)]
    pub(crate) connections: ConnectionArgs,
}

/// How the log is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArgs {
    /// How log lines look.
    #[arg(long, env = "TIRO_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace or off, also by part: `info,tiro_http=debug`.
    #[arg(long, env = "TIRO_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = not_empty)]
    pub(crate) log_level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What clients may send at most. The upper bounds keep the largest request within what the log takes at once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of what clients send")]
pub(crate) struct LimitArgs {
    /// Longest name of an application, in characters.
    #[arg(long, env = "TIRO_NAME_CHARS_MAX", value_name = "N", default_value_t = Limits::default().name_chars_max, value_parser = within(1..=1_024))]
    pub(crate) name_chars_max: usize,

    /// Longest title of a chat, in characters.
    #[arg(long, env = "TIRO_TITLE_CHARS_MAX", value_name = "N", default_value_t = Limits::default().title_chars_max, value_parser = within(1..=1_024))]
    pub(crate) title_chars_max: usize,

    /// Longest body of a message, in bytes.
    #[arg(long, env = "TIRO_BODY_BYTES_MAX", value_name = "N", default_value_t = Limits::default().body_bytes_max, value_parser = within(1..=1_048_576))]
    pub(crate) body_bytes_max: usize,

    /// Longest name of a sender or reader, in bytes.
    #[arg(long, env = "TIRO_SENDER_BYTES_MAX", value_name = "N", default_value_t = Limits::default().sender_bytes_max, value_parser = within(1..=1_024))]
    pub(crate) sender_bytes_max: usize,

    /// Longest metadata, in bytes without white space.
    #[arg(long, env = "TIRO_METADATA_BYTES_MAX", value_name = "N", default_value_t = Limits::default().metadata_bytes_max, value_parser = within(2..=65_536))]
    pub(crate) metadata_bytes_max: usize,

    /// Most messages of a batch.
    #[arg(long, env = "TIRO_BATCH_MESSAGES_MAX", value_name = "N", default_value_t = Limits::default().batch_messages_max, value_parser = within(1..=10_000))]
    pub(crate) batch_messages_max: usize,

    /// Largest request with a batch, in bytes.
    #[arg(long, env = "TIRO_BATCH_BYTES_MAX", value_name = "N", default_value_t = Transport::default().batch_bytes_max, value_parser = within(1_024..=4_194_304))]
    pub(crate) batch_bytes_max: usize,

    /// Longest query, in characters.
    #[arg(long, env = "TIRO_QUERY_CHARS_MAX", value_name = "N", default_value_t = Limits::default().query_chars_max, value_parser = within(1..=1_024))]
    pub(crate) query_chars_max: usize,

    /// Most terms of a query.
    #[arg(long, env = "TIRO_QUERY_TERMS_MAX", value_name = "N", default_value_t = Limits::default().query_terms_max, value_parser = within(1..=64))]
    pub(crate) query_terms_max: usize,
}

/// How often each application may ask. Nodes of a cluster share what they count.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rate limit")]
pub(crate) struct RateArgs {
    /// Requests a second of each application, by the token in the path; the rest is answered 429. Off unless given.
    #[arg(long, env = "TIRO_RATE_LIMIT", value_name = "N", value_parser = rate())]
    pub(crate) rate_limit: Option<u32>,

    /// Requests that it may make at once after a rest; by default as many as in a second.
    #[arg(long, env = "TIRO_RATE_LIMIT_BURST", value_name = "N", requires = "rate_limit", value_parser = rate())]
    pub(crate) rate_limit_burst: Option<u32>,
}

/// How connections are treated.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArgs {
    /// Most connections at one time; further ones wait.
    #[arg(long, env = "TIRO_CONNECTIONS_MAX", value_name = "N", default_value_t = Transport::default().connections_max, value_parser = within(1..=1_000_000))]
    pub(crate) connections_max: usize,

    /// Most bytes of a request's path and headers.
    #[arg(long, env = "TIRO_HEAD_BYTES_MAX", value_name = "N", default_value_t = Transport::default().head_bytes_max, value_parser = within(8_192..=1_048_576))]
    pub(crate) head_bytes_max: usize,

    /// How long the head of a request may take.
    #[arg(long, env = "TIRO_HEAD_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().head_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) head_timeout_ms: usize,

    /// How long the body of a request may take; for imports, each piece of it.
    #[arg(long, env = "TIRO_BODY_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().body_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) body_timeout_ms: usize,

    /// How long a connection may be silent.
    #[arg(long, env = "TIRO_IDLE_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().idle_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) idle_timeout_ms: usize,

    /// How long requests in flight may take once the server stops.
    #[arg(long, env = "TIRO_DRAIN_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().drain_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) drain_timeout_ms: usize,

    /// A request that takes longer is logged.
    #[arg(long, env = "TIRO_SLOW_REQUEST_MS", value_name = "MS", default_value_t = ms(Transport::default().slow_request), value_parser = within(1..=HOUR_MS))]
    pub(crate) slow_request_ms: usize,
}

const HOUR_MS: usize = 60 * 60 * 1_000;

impl LimitArgs {
    /// The limits of the domain.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            name_chars_max: self.name_chars_max,
            title_chars_max: self.title_chars_max,
            body_bytes_max: self.body_bytes_max,
            sender_bytes_max: self.sender_bytes_max,
            metadata_bytes_max: self.metadata_bytes_max,
            batch_messages_max: self.batch_messages_max,
            query_chars_max: self.query_chars_max,
            query_terms_max: self.query_terms_max,
        }
    }
}

impl RateArgs {
    /// The limit, if there is one.
    pub(crate) fn limit(&self) -> Option<RateLimit> {
        let per_second = self.rate_limit?;
        RateLimit::new(per_second, self.rate_limit_burst.unwrap_or(per_second))
    }
}

impl ConnectionArgs {
    /// The limits of connections and requests.
    pub(crate) fn transport(&self, limits: &LimitArgs) -> Transport {
        let duration = |ms: usize| Duration::from_millis(ms as u64);
        Transport {
            connections_max: self.connections_max,
            head_timeout: duration(self.head_timeout_ms),
            body_timeout: duration(self.body_timeout_ms),
            idle_timeout: duration(self.idle_timeout_ms),
            drain_timeout: duration(self.drain_timeout_ms),
            head_bytes_max: self.head_bytes_max,
            batch_bytes_max: limits.batch_bytes_max,
            slow_request: duration(self.slow_request_ms),
        }
    }
}

fn rate() -> impl TypedValueParser<Value = u32> {
    RangedU64ValueParser::<u32>::new().range(1..=u64::from(RATE_LIMIT_MAX))
}

fn within(range: RangeInclusive<usize>) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(*range.start() as u64..=*range.end() as u64)
}

fn ms(duration: Duration) -> usize {
    usize::try_from(duration.as_millis()).expect("the defaults are below an hour")
}

/// An IP address and a port, or `localhost` and a port, which is 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let port = text.strip_prefix("localhost:");
    port.map_or_else(|| text.parse(), |port| format!("127.0.0.1:{port}").parse())
        .map_err(|_| {
            "is not an IP address with a port: write for instance 127.0.0.1:3000, [::1]:3000 or 0.0.0.0:3000"
                .to_owned()
        })
}
