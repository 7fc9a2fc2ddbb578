//! Counters and histograms for Prometheus. Handles are resolved once, labels are route templates only.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tiro_core::{CachedPages, Engine, Failure};

type Labels = [(&'static str, &'static str); 2];
type RequestLabels = [(&'static str, &'static str); 3];

/// Upper bounds of the latency buckets, in seconds.
const LATENCY_BUCKETS_SECONDS: [f64; 13] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// All metrics of one server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<Labels, Histogram>,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Connections that were accepted.
    pub(crate) connections_accepted: Counter,
    /// Live streams that are open.
    pub(crate) streams: Gauge,
    /// Times that accepting failed.
    pub(crate) accept_failures: Counter,
    writes: [Counter; 4],
}

/// The handles of one route.
pub(crate) struct RouteMetrics {
    requests: [Counter; 5],
    latency: Histogram,
}

impl Metrics {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Metrics {
        let mut registry = Registry::with_prefix("tiro");
        registry.register_collector(Box::new(PagesOf(engine)));
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register(
            "http_requests",
            "Requests by route, method and class of status",
            requests.clone(),
        );
        let latency =
            Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS_SECONDS));
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            latency.clone(),
        );
        let connections = Gauge::default();
        registry.register("http_connections", "Open connections", connections.clone());
        let connections_accepted = Counter::default();
        registry.register(
            "http_connections_accepted",
            "Connections",
            connections_accepted.clone(),
        );
        let streams = Gauge::default();
        registry.register("live_streams", "Open live streams", streams.clone());
        let accept_failures = Counter::default();
        registry.register(
            "http_accept_failures",
            "Failures to accept",
            accept_failures.clone(),
        );
        let outcomes = Family::<[(&'static str, &'static str); 1], Counter>::default();
        registry.register("engine_writes", "Writes by outcome", outcomes.clone());
        let writes = ["accepted", "rejected", "unavailable", "failed"]
            .map(|outcome| outcomes.get_or_create(&[("outcome", outcome)]).clone());
        Metrics {
            registry,
            requests,
            latency,
            connections,
            connections_accepted,
            streams,
            accept_failures,
            writes,
        }
    }

    /// The handles of a route.
    pub(crate) fn route(&self, route: &'static str, method: &'static str) -> RouteMetrics {
        let requests = STATUS_CLASSES.map(|status| {
            let labels = [("route", route), ("method", method), ("status", status)];
            self.requests.get_or_create(&labels).clone()
        });
        let latency = self
            .latency
            .get_or_create(&[("route", route), ("method", method)])
            .clone();
        RouteMetrics { requests, latency }
    }

    /// Counts a write by what came of it.
    pub(crate) fn wrote<T>(&self, outcome: &Result<T, Failure>) {
        let index = match outcome {
            Ok(_) => 0,
            Err(Failure::Rejected(_)) => 1,
            Err(Failure::Unavailable(_)) => 2,
            Err(Failure::Internal(_)) => 3,
        };
        self.writes[index].inc();
    }

    /// All metrics in the text format of OpenMetrics, which Prometheus reads.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What the engine counts itself.
struct PagesOf(Arc<dyn Engine>);

impl fmt::Debug for PagesOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagesOf")
    }
}

impl Collector for PagesOf {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(counts) = self.0.cached_pages() else {
            return Ok(());
        };
        let CachedPages {
            shown,
            missing,
            changed,
            unreadable,
        } = counts;
        let mut family = encoder.encode_descriptor(
            "engine_cached_pages",
            "Pages of messages looked for in the cache by what came of it",
            None,
            MetricType::Counter,
        )?;
        let outcomes = [
            ("shown", shown),
            ("missing", missing),
            ("changed", changed),
            ("unreadable", unreadable),
        ];
        for (outcome, count) in outcomes {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

impl RouteMetrics {
    /// Counts an answered request.
    pub(crate) fn answered(&self, status: http::StatusCode, seconds: f64) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.requests[class - 1].inc();
        self.latency.observe(seconds);
    }
}
