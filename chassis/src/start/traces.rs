//! Sends the spans of calls to the operator's collector, by OTLP over gRPC.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self as sdk, Sampler, SdkTracerProvider, SpanData};
use tokio::task::spawn_blocking;

use crate::auth_client::upstream::{ClientFiles, Upstream, UpstreamError};
use crate::settings::config::{TraceConfig, TraceSampler};
use crate::trace;
use crate::trouble::Trouble;

/// The longest wait for the collector to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest wait for a response of the collector.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The longest wait for the last spans to be sent, when stopping.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The collector cannot be called.
    #[error("cannot use OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Endpoint(#[from] UpstreamError),
    /// Another variable of OTLP is invalid.
    #[error("cannot send traces: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// The sending of spans, in a thread of its own. What it cannot send in time is dropped, so
/// calls never wait for it.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Turns traces on if a collector is configured. `program` is their name of the service
    /// unless the settings have another one.
    pub(crate) fn start(config: &TraceConfig, program: &str) -> Result<Option<Self>, TracesError> {
        let Some(endpoint) = &config.otel_exporter_otlp_endpoint else {
            return Ok(None);
        };
        let files = ClientFiles {
            ca: config.otel_exporter_otlp_certificate.clone(),
            identity: None,
        };
        // Spans contain no secrets and no personal data, so any network may carry them.
        let collector = Upstream::new(endpoint, files, true)?;
        let channel =
            collector.channel(|endpoint| endpoint.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX));
        let exporter = SpanExporter::builder().with_tonic().with_channel(channel);
        let name = config.otel_service_name.as_deref().unwrap_or(program);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Told::new(exporter.build()?))
            .with_sampler(sampler(config))
            .with_resource(resource(name))
            .build();
        trace::turn_on(provider.tracer("addressbook"));
        Ok(Some(Self(provider)))
    }

    /// Sends the last spans, for a limited time.
    pub(crate) async fn stop(self) {
        // On a thread of its own, because the connection needs this one. A failure was
        // logged by the exporter.
        let _ = spawn_blocking(move || self.0.shutdown_with_timeout(STOP_MAX)).await;
    }
}

/// What sends the spans. `OTEL_RESOURCE_ATTRIBUTES` can add to it.
fn resource(name: &str) -> Resource {
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    resource.with_service_name(name.to_owned()).build()
}

fn sampler(config: &TraceConfig) -> Sampler {
    let by_ratio = Sampler::TraceIdRatioBased(config.otel_traces_sampler_arg);
    match config.otel_traces_sampler {
        TraceSampler::AlwaysOn => Sampler::AlwaysOn,
        TraceSampler::AlwaysOff => Sampler::AlwaysOff,
        TraceSampler::Ratio => by_ratio,
        TraceSampler::ParentOrOn => Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
        TraceSampler::ParentOrOff => Sampler::ParentBased(Box::new(Sampler::AlwaysOff)),
        TraceSampler::ParentOrRatio => Sampler::ParentBased(Box::new(by_ratio)),
    }
}

/// An exporter that says once why it cannot send.
#[derive(Debug)]
struct Told {
    exporter: SpanExporter,
    trouble: Mutex<Trouble>,
}

impl Told {
    fn new(exporter: SpanExporter) -> Self {
        Self {
            exporter,
            trouble: Mutex::new(Trouble::new("cannot send traces to the collector")),
        }
    }
}

impl sdk::SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match &sent {
            Ok(()) => trouble.is_over(),
            Err(error) => trouble.failed(error),
        }
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
