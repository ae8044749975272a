//! A collector of traces: a real receiver of OTLP over gRPC.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::runtime::Builder;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, async_trait};

/// How long a span may take to arrive on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A span, and the service that made it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Received {
    /// The text of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        text(&self.span.attributes, name)
    }

    /// Whether it is a SQL statement.
    pub(crate) fn is_statement(&self) -> bool {
        self.attribute("db.system.name").as_deref() == Some("postgresql")
    }

    /// Its id, in hexadecimal digits.
    pub(crate) fn id(&self) -> String {
        hex::encode(&self.span.span_id)
    }

    /// The id of the span that it belongs to.
    pub(crate) fn parent(&self) -> String {
        hex::encode(&self.span.parent_span_id)
    }
}

/// The collector, with all spans that have arrived.
pub(crate) struct Collector {
    pub(crate) url: String,
    arriving: Receiver<Received>,
    pub(crate) spans: Vec<Received>,
}

impl Collector {
    /// Listens until the test ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let (sender, arriving) = channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let receiver = TraceServiceServer::new(Receiving(Mutex::new(sender)));
                let server = Server::builder().add_service(receiver);
                server
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await
                    .unwrap();
            });
        });
        Self {
            url,
            arriving,
            spans: Vec::new(),
        }
    }

    /// The settings of a system that sends its traces here soon.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 2] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ]
    }

    /// Waits for a span, and returns it.
    pub(crate) fn find(&mut self, what: &str, is_it: impl Fn(&Received) -> bool) -> Received {
        let mut known = 0;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.spans[known..].iter().find(|span| is_it(span)) {
                return found.clone();
            }
            known = self.spans.len();
            let left = until.saturating_duration_since(Instant::now());
            let next = self.arriving.recv_timeout(left);
            let next = next.unwrap_or_else(|error| panic!("no {what}: {error}: {}", self.names()));
            self.spans.push(next);
        }
    }

    /// The spans in short, each with its trace.
    fn names(&self) -> String {
        let named = |received: &Received| {
            let trace = hex::encode(&received.span.trace_id);
            format!("\n{trace} {} {}", received.service, received.span.name)
        };
        self.spans.iter().map(named).collect()
    }

    /// Waits for the span of an RPC in this trace.
    pub(crate) fn rpc(&mut self, trace: &str, method: &str) -> Received {
        let method = format!("addressbook.{method}");
        self.find(&method, |received| {
            hex::encode(&received.span.trace_id) == trace && received.span.name == method
        })
    }

    /// Waits for a SQL statement that belongs to this span.
    pub(crate) fn statement_of(&mut self, parent: &Received, summary: &str) -> Received {
        let of = parent.span.clone();
        self.find(summary, |received| {
            received.is_statement()
                && received.span.trace_id == of.trace_id
                && received.span.parent_span_id == of.span_id
                && received.span.name.contains(summary)
        })
    }
}

struct Receiving(Mutex<Sender<Received>>);

#[async_trait]
impl TraceService for Receiving {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for of_resource in request.into_inner().resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = text(&resource.attributes, "service.name").unwrap_or_default();
            let scopes = of_resource.scope_spans.into_iter();
            for span in scopes.flat_map(|scope| scope.spans) {
                let service = service.clone();
                // The test may have ended.
                let _ = self.0.lock().unwrap().send(Received { service, span });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let attributes: HashMap<&str, &Option<AnyValue>> = attributes
        .iter()
        .map(|pair| (pair.key.as_str(), &pair.value))
        .collect();
    match attributes.get(name)?.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}
