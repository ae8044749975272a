//! What the answers of the service have in common.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message;
use prost_types::Any;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Status};

use crate::suite::conformance_payload::{ConnectGetInfo, RequestInfo};
use crate::suite::{Error, Header};

/// The trailers of a successful response; an extension of it.
#[derive(Clone)]
pub(crate) struct Trailers(pub(crate) HeaderMap);

/// The request was a GET; an extension of it.
#[derive(Clone)]
pub(crate) struct ByGet;

/// What a handler knows of its call.
pub(crate) struct Call {
    info: RequestInfo,
    deadline: Option<Instant>,
}

impl Call {
    pub(crate) fn new(metadata: MetadataMap, extensions: &Extensions) -> Self {
        let headers = metadata.into_headers();
        let timeout = headers.get("grpc-timeout").and_then(timeout);
        let by_get = extensions.get::<ByGet>();
        let names: Vec<_> = headers.keys().cloned().collect();
        let header = |name: HeaderName| Header {
            value: headers
                .get_all(&name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect(),
            name: name.to_string(),
        };
        Self {
            info: RequestInfo {
                request_headers: names.into_iter().map(header).collect(),
                timeout_ms: timeout.and_then(|time| i64::try_from(time.as_millis()).ok()),
                requests: Vec::new(),
                // The suite accepts it without the parameters.
                connect_get_info: by_get.map(|_| ConnectGetInfo::default()),
            },
            deadline: timeout.map(|time| Instant::now() + time),
        }
    }

    /// What the service returns about the request.
    pub(crate) fn info(&self, requests: Vec<Any>) -> RequestInfo {
        RequestInfo {
            requests,
            ..self.info.clone()
        }
    }

    /// Waits, but not beyond the deadline.
    pub(crate) async fn pause(&self, milliseconds: u32) -> Result<(), Status> {
        let pause = Duration::from_millis(milliseconds.into());
        match self.deadline {
            Some(deadline) if Instant::now() + pause >= deadline => {
                sleep_until(deadline).await;
                Err(Status::deadline_exceeded("the call took too long"))
            }
            _ => {
                sleep(pause).await;
                Ok(())
            }
        }
    }
}

/// `grpc-timeout` (PROTOCOL-HTTP2, "Timeout").
fn timeout(text: &HeaderValue) -> Option<Duration> {
    let text = text.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(number)),
        "M" => Some(Duration::from_mins(number)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// A message of the suite with its type.
pub(crate) fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/connectrpc.conformance.v1.{name}"),
        value: message.encode_to_vec(),
    }
}

/// The error that a definition asks for.
pub(crate) fn failure(error: &Error, info: Option<RequestInfo>, metadata: HeaderMap) -> Status {
    let mut details = error.details.clone();
    details.extend(info.map(|info| any("ConformancePayload.RequestInfo", &info)));
    let (code, message) = (error.code, error.message().to_owned());
    let status = tonic_types::Status {
        code,
        message: message.clone(),
        details,
    };
    let metadata = MetadataMap::from_headers(metadata);
    let details = status.encode_to_vec().into();
    Status::with_details_and_metadata(Code::from_i32(code), message, details, metadata)
}

/// Headers of a definition.
pub(crate) fn headers(of: &[Header]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in of {
        for value in &header.value {
            let name = HeaderName::try_from(&header.name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
    }
    headers
}
