//! Metrics of a running service, for Prometheus.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The upper bounds of the histogram's buckets, in seconds.
const TIMES: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

/// The metrics of a service; clones share them. No name or label contains data of a call.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
}

/// A value with its label.
pub type Labelled = (Cow<'static, str>, f64);

/// A count as a number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "nothing here comes to 2^53")]
pub fn count(things: usize) -> f64 {
    things as f64
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::with_prefix("addressbook");
        Self {
            registry: Arc::new(Mutex::new(registry)),
        }
    }
}

impl Metrics {
    /// Registers a gauge, read on request.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.optional_gauge(name, help, move || Some(read()));
    }

    /// Registers a gauge that may have no value.
    pub fn optional_gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.read(MetricType::Gauge, name, help, Read::One(Box::new(read)));
    }

    /// Registers a counter, read on request.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        let read = Read::One(Box::new(move || Some(read())));
        self.read(MetricType::Counter, name, help, read);
    }

    /// Registers several counters with a label.
    pub fn counters(
        &self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<Labelled> + Send + Sync + 'static,
    ) {
        let read = Read::Some(label, Box::new(read));
        self.read(MetricType::Counter, name, help, read);
    }

    /// Registers several gauges with a label.
    pub fn gauges(
        &self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<Labelled> + Send + Sync + 'static,
    ) {
        let read = Read::Some(label, Box::new(read));
        self.read(MetricType::Gauge, name, help, read);
    }

    /// Registers a histogram of durations.
    pub fn times(&self, name: &'static str, help: &'static str, times: &Times) {
        self.registry().register(name, help, times.0.clone());
    }

    pub(crate) fn collect(&self, collector: impl Collector) {
        self.registry().register_collector(Box::new(collector));
    }

    fn read(&self, kind: MetricType, name: &'static str, help: &'static str, read: Read) {
        self.collect(Reading {
            kind,
            name,
            help,
            read,
        });
    }

    /// All metrics, in `OpenMetrics` text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut out, &self.registry());
        out
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Metrics are only added, so a panic under the lock leaves the registry valid.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A histogram of durations; clones share it.
#[derive(Clone, Debug)]
pub struct Times(pub(crate) Histogram);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(TIMES))
    }
}

impl Times {
    /// Adds a duration.
    pub fn add(&self, time: Duration) {
        self.0.observe(time.as_secs_f64());
    }
}

/// A function that reads a value on request.
enum Read {
    One(Box<dyn Fn() -> Option<f64> + Send + Sync>),
    /// The values with the name of their label.
    Some(&'static str, Box<dyn Fn() -> Vec<Labelled> + Send + Sync>),
}

struct Reading {
    kind: MetricType,
    name: &'static str,
    help: &'static str,
    read: Read,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reading").field(&self.name).finish()
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // The registry also ends the help of its own metrics with a full stop.
        let help = format!("{}.", self.help);
        let mut metric = encoder.encode_descriptor(self.name, &help, None, self.kind)?;
        match &self.read {
            Read::One(read) => read().map_or(Ok(()), |number| write(self.kind, number, metric)),
            Read::Some(label, read) => read().into_iter().try_for_each(|(value, number)| {
                let labels = [(*label, &*value)];
                write(self.kind, number, metric.encode_family(&labels)?)
            }),
        }
    }
}

fn write(kind: MetricType, number: f64, metric: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(number).encode(metric),
        _ => ConstGauge::new(number).encode(metric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_on_request() {
        let metrics = Metrics::default();
        metrics.gauge("depth", "How deep", || 1.5);
        metrics.counter("calls", "How many", || 7.0);
        metrics.gauges("cats", "By colour", "colour", || {
            vec![("black".into(), 1.0), ("grey".into(), 2.0)]
        });
        metrics.counters("births", "By colour", "colour", || {
            vec![("grey".into(), 3.0)]
        });
        metrics.optional_gauge("tail", "Its length", || None);
        let naps = Times::default();
        metrics.times("nap_seconds", "Naps", &naps);
        naps.add(Duration::from_millis(3));

        let text = metrics.text();

        for line in [
            "# HELP addressbook_depth How deep.",
            "addressbook_depth 1.5",
            "addressbook_calls_total 7.0",
            "addressbook_cats{colour=\"black\"} 1.0",
            "addressbook_cats{colour=\"grey\"} 2.0",
            "addressbook_births_total{colour=\"grey\"} 3.0",
            "# TYPE addressbook_tail gauge",
            "addressbook_nap_seconds_bucket{le=\"0.005\"} 1",
            "addressbook_nap_seconds_count 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("\naddressbook_tail"), "{text}");
    }
}
