//! OpenSearch over HTTP: requests, time-outs, retries, and what it says when it refuses.
//!
//! Every request that Tiro makes repeats safely: documents carry their own versions, and what makes, switches or deletes
//! an index finds it done. So all are repeated where the answer says that later may be better.

use std::fmt;
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;
use tiro_outbound::{Proxies, causes};
use tokio::time::{Instant, sleep, timeout_at};

use crate::ClusterConfig;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Wait before the first repeat; doubled for each further one.
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
/// Longest wait before a repeat.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// A connection that rested may be gone, so once is not enough.
const HASTY_ATTEMPTS_MAX: u32 = 2;
/// Most characters of a reason that are kept.
const REASON_CHARS_MAX: usize = 300;

/// How long and how often something is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For all attempts together.
    pub(super) deadline: Duration,
    /// At least one.
    pub(super) attempts_max: u32,
}

/// For work that nobody waits for.
pub(super) const FOR_WORK: Patience = Patience {
    deadline: Duration::from_secs(60),
    attempts_max: 6,
};

/// What is sent with a request.
pub(super) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    /// Lines of JSON, each with its end.
    Lines(Vec<u8>),
}

/// OpenSearch cannot be reached or refused a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpensearchError {
    /// No answer in time, after all attempts.
    Unreachable(String),
    /// It answered that it will not.
    Refused {
        /// The status of its answer.
        status: u16,
        /// Its name for the error, such as `mapper_parsing_exception`; may be empty.
        kind: String,
        /// Its words.
        reason: String,
    },
    /// It answered something that does not fit the request.
    Malformed(String),
    /// No client can be made.
    Unusable(String),
}

impl OpensearchError {
    pub(super) fn is_missing_index(&self) -> bool {
        matches!(self, OpensearchError::Refused { status: 404, kind, .. } if kind == "index_not_found_exception")
    }

    pub(super) fn malformed(what: &str) -> OpensearchError {
        OpensearchError::Malformed(what.to_owned())
    }

    /// What an answer of an error says.
    pub(super) fn refused(status: u16, error: &Value) -> OpensearchError {
        // Old servers and proxies write a text in place of an object.
        let member = |name| error[name].as_str();
        let reason = member("reason").or(error.as_str()).unwrap_or_default();
        OpensearchError::Refused {
            status,
            kind: member("type").unwrap_or_default().to_owned(),
            reason: reason.chars().take(REASON_CHARS_MAX).collect(),
        }
    }

    fn may_pass(&self) -> bool {
        match self {
            OpensearchError::Unreachable(_) => true,
            OpensearchError::Refused { status, .. } => is_passing(*status),
            OpensearchError::Malformed(_) | OpensearchError::Unusable(_) => false,
        }
    }
}

/// Whether a status means that the same may succeed later.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

impl fmt::Display for OpensearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpensearchError::Unreachable(text) => write!(f, "OpenSearch cannot be reached: {text}"),
            OpensearchError::Refused { status, kind, reason } => {
                write!(f, "OpenSearch answered {status} ({kind}): {reason}")
            }
            OpensearchError::Malformed(text) => write!(f, "OpenSearch answered something else: {text}"),
            OpensearchError::Unusable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for OpensearchError {}

impl From<reqwest::Error> for OpensearchError {
    fn from(error: reqwest::Error) -> OpensearchError {
        // The address may hold a password.
        OpensearchError::Unreachable(causes(&error.without_url()))
    }
}

/// A client of one server, or of what stands before several.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    /// Whatever patience a request has.
    attempts_max: u32,
}

/// Without the address, which may hold a password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Of a cluster's OpenSearch.
    pub(super) fn new(config: &ClusterConfig) -> Result<Client, OpensearchError> {
        let http = http(config)?;
        let base = config.opensearch.trim_end_matches('/').to_owned();
        Ok(Client {
            http,
            base,
            attempts_max: u32::MAX,
        })
    }

    /// The same, for whoever would rather know why it failed than wait: one that repeats till the end of its time is told
    /// nothing but that.
    pub(super) fn hasty(&self) -> Client {
        Client {
            attempts_max: HASTY_ATTEMPTS_MAX,
            ..self.clone()
        }
    }

    /// Sends a request to a path that begins with `/`, again while that may help and patience lasts.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Body<'_>,
        patience: Patience,
    ) -> Result<Value, OpensearchError> {
        let deadline = Instant::now() + patience.deadline;
        let attempts_max = patience.attempts_max.min(self.attempts_max);
        let bytes = match body {
            Body::Nothing => None,
            Body::Json(value) => Some(("application/json", bytes::Bytes::from(value.to_string()))),
            Body::Lines(lines) => Some(("application/x-ndjson", bytes::Bytes::from(lines))),
        };
        let mut attempt = 1;
        loop {
            let once = self.once(method.clone(), path, bytes.clone());
            let answer = timeout_at(deadline, once).await.unwrap_or_else(|_| {
                let text = format!("no answer within {:?}", patience.deadline);
                Err(OpensearchError::Unreachable(text))
            });
            match answer {
                Err(error) if error.may_pass() && attempt < attempts_max => {
                    let wait = back_off(attempt);
                    if Instant::now() + wait >= deadline {
                        return Err(error);
                    }
                    sleep(wait).await;
                    attempt += 1;
                }
                settled => return settled,
            }
        }
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, bytes::Bytes)>,
    ) -> Result<Value, OpensearchError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some((media_type, bytes)) = body {
            request = request
                .header(reqwest::header::CONTENT_TYPE, media_type)
                .body(bytes);
        }
        let mut response = request.send().await?;
        let status = response.status();
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if text.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(OpensearchError::malformed("its answer is too long"));
            }
            text.extend_from_slice(&chunk);
        }
        let value = serde_json::from_slice::<Value>(&text);
        if status.is_success() {
            return value.map_err(|error| OpensearchError::Malformed(error.to_string()));
        }
        // What stands before it may answer in another format.
        let value = value.unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&text)));
        let error = if value["error"].is_null() {
            &value
        } else {
            &value["error"]
        };
        Err(OpensearchError::refused(status.as_u16(), error))
    }
}

/// What reaches the OpenSearch of a cluster.
pub(crate) fn http(config: &ClusterConfig) -> Result<reqwest::Client, OpensearchError> {
    let unusable = |error: &dyn fmt::Display| OpensearchError::Unusable(error.to_string());
    let url = Url::parse(&config.opensearch).map_err(|error| unusable(&error))?;
    let builder = tiro_outbound::http(&url, config.trust(), Proxies::Unused);
    let builder = builder.map_err(|error| unusable(&error))?;
    Ok(builder.connect_timeout(CONNECT_TIMEOUT).build()?)
}

/// How long to wait before the repeat after this attempt, spread so that not all come at once.
pub(super) fn back_off(attempt: u32) -> Duration {
    let longest = BACK_OFF_FIRST
        .saturating_mul(1 << attempt.min(16))
        .min(BACK_OFF_MAX);
    longest / 2 + longest.mul_f64(f64::from(random_byte()) / 512.0)
}

fn random_byte() -> u8 {
    let mut byte = [0];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        // Only spreads repeats: any value is right.
        Err(_) => 128,
    }
}
