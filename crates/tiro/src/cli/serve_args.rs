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
Access: creating, listing and deleting applications, import, export, status and metrics need the operator key; the \
token of an application gives access to that application. Without an operator key everyone who reaches the server \
may do everything, so it listens on loopback addresses only, unless --open is given.

Examples:
  tiro serve
  tiro serve --listen 127.0.0.1:8080 --data /var/lib/tiro
  tiro serve --cluster /etc/tiro/cluster.toml
  TIRO_OPERATOR_KEY=$(openssl rand -hex 16) tiro serve --listen 0.0.0.0:3000
  tiro serve --listen 0.0.0.0:3000 --operator-key-file ./operator-key
  TIRO_LISTEN=127.0.0.1:3000,[::1]:3000 tiro serve --log-format json

The addresses are printed to standard output, the log goes to standard error. SIGTERM and SIGINT stop the server after \
the requests in flight; a second signal stops it at once.

Exit status:
   0  after SIGTERM or SIGINT
   1  it could not start, or had to stop
   2  a flag or variable is wrong
  70  the storage failed a write: start it again, it recovers (nothing acknowledged is lost)";

/// Arguments of `tiro serve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_HELP, after_long_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    /// Address to listen on; may be repeated. Port 0 takes a free port and prints it.
    #[arg(
        long, env = "TIRO_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:3000",
        value_delimiter = ',', value_parser = address
    )]
    pub(crate) listen: Vec<SocketAddr>,

    /// The data folder; created if it does not exist.
    #[arg(long, env = "TIRO_DATA", value_name = "DIR", default_value = "./tiro-data")]
    pub(crate) data: PathBuf,

    /// Start as an API node of a cluster: the file with the addresses of MySQL, RabbitMQ, Redis and OpenSearch.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE", conflicts_with = "data")]
    pub(crate) cluster: Option<PathBuf>,

    /// The operator key. Other users of this machine can see flags: prefer the variable.
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

    /// Allow any address without an operator key: everyone who can reach the server may do everything.
    #[arg(long, env = "TIRO_OPEN", value_parser = BoolishValueParser::new())]
    pub(crate) open: bool,

    /// Allow requests of browsers from this origin (CORS), such as https://app.example.org; may be repeated.
    #[arg(long, env = "TIRO_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) cors_origin: Vec<String>,

    /// Open a damaged data folder, although acknowledged writes in the damaged part are lost; see `tiro verify`.
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
    /// Format of the log.
    #[arg(long, env = "TIRO_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// Log level: error, warn, info, debug, trace or off, also per module: `info,tiro_http=debug`.
    #[arg(long, env = "TIRO_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = not_empty)]
    pub(crate) log_level: String,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

/// What clients may send at most. The upper bounds keep the largest request within what the log takes at once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of requests")]
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

    /// Largest metadata, in bytes without white space.
    #[arg(long, env = "TIRO_METADATA_BYTES_MAX", value_name = "N", default_value_t = Limits::default().metadata_bytes_max, value_parser = within(2..=65_536))]
    pub(crate) metadata_bytes_max: usize,

    /// Most messages in a batch.
    #[arg(long, env = "TIRO_BATCH_MESSAGES_MAX", value_name = "N", default_value_t = Limits::default().batch_messages_max, value_parser = within(1..=10_000))]
    pub(crate) batch_messages_max: usize,

    /// Largest batch request, in bytes.
    #[arg(long, env = "TIRO_BATCH_BYTES_MAX", value_name = "N", default_value_t = Transport::default().batch_bytes_max, value_parser = within(1_024..=4_194_304))]
    pub(crate) batch_bytes_max: usize,

    /// Longest search query, in characters.
    #[arg(long, env = "TIRO_QUERY_CHARS_MAX", value_name = "N", default_value_t = Limits::default().query_chars_max, value_parser = within(1..=1_024))]
    pub(crate) query_chars_max: usize,

    /// Most terms in a search query.
    #[arg(long, env = "TIRO_QUERY_TERMS_MAX", value_name = "N", default_value_t = Limits::default().query_terms_max, value_parser = within(1..=64))]
    pub(crate) query_terms_max: usize,
}

/// How often each application may ask. Nodes of a cluster share what they count.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rate limit")]
pub(crate) struct RateArgs {
    /// Requests per second and application (by the token in the path); more are answered 429. Off by default.
    #[arg(long, env = "TIRO_RATE_LIMIT", value_name = "N", value_parser = rate())]
    pub(crate) rate_limit: Option<u32>,

    /// Burst: requests that an application may send at once after a pause [default: as --rate-limit].
    #[arg(long, env = "TIRO_RATE_LIMIT_BURST", value_name = "N", requires = "rate_limit", value_parser = rate())]
    pub(crate) rate_limit_burst: Option<u32>,
}

/// How connections are treated.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArgs {
    /// Most open connections; further ones wait.
    #[arg(long, env = "TIRO_CONNECTIONS_MAX", value_name = "N", default_value_t = Transport::default().connections_max, value_parser = within(1..=1_000_000))]
    pub(crate) connections_max: usize,

    /// Largest request head (path and headers), in bytes.
    #[arg(long, env = "TIRO_HEAD_BYTES_MAX", value_name = "N", default_value_t = Transport::default().head_bytes_max, value_parser = within(8_192..=1_048_576))]
    pub(crate) head_bytes_max: usize,

    /// Timeout for receiving the head of a request.
    #[arg(long, env = "TIRO_HEAD_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().head_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) head_timeout_ms: usize,

    /// Timeout for receiving the body of a request; for imports, each chunk of it.
    #[arg(long, env = "TIRO_BODY_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().body_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) body_timeout_ms: usize,

    /// Timeout of idle connections.
    #[arg(long, env = "TIRO_IDLE_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().idle_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) idle_timeout_ms: usize,

    /// How long requests in flight may take when the server stops.
    #[arg(long, env = "TIRO_DRAIN_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Transport::default().drain_timeout), value_parser = within(1..=HOUR_MS))]
    pub(crate) drain_timeout_ms: usize,

    /// Log requests that take longer.
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
