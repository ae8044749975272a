//! The service that the suite calls, as its proto describes it.

use std::pin::Pin;

use async_stream::try_stream;
use futures_util::Stream;
use http::HeaderMap;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::answers::{Call, Trailers, any, failure, headers};
use crate::suite::conformance_payload::RequestInfo;
use crate::suite::conformance_service_server::ConformanceService;
use crate::suite::unary_response_definition::Response as Wanted;
use crate::suite::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
    ConformancePayload, IdempotentUnaryRequest, IdempotentUnaryResponse, ServerStreamRequest,
    ServerStreamResponse, StreamResponseDefinition, UnaryRequest, UnaryResponse,
    UnaryResponseDefinition, UnimplementedRequest, UnimplementedResponse,
};

/// The service.
pub(crate) struct Conformance;

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ConformanceService for Conformance {
    type ServerStreamStream = Responses<ServerStreamResponse>;
    type BidiStreamStream = Responses<BidiStreamResponse>;

    async fn unary(
        &self,
        request: Request<UnaryRequest>,
    ) -> Result<Response<UnaryResponse>, Status> {
        let (metadata, extensions, request) = request.into_parts();
        let call = Call::new(metadata, &extensions);
        let requests = vec![any("UnaryRequest", &request)];
        let answer = one(&call, request.response_definition, requests).await?;
        Ok(answer.map(|payload| UnaryResponse {
            payload: Some(payload),
        }))
    }

    async fn idempotent_unary(
        &self,
        request: Request<IdempotentUnaryRequest>,
    ) -> Result<Response<IdempotentUnaryResponse>, Status> {
        let (metadata, extensions, request) = request.into_parts();
        let call = Call::new(metadata, &extensions);
        let requests = vec![any("IdempotentUnaryRequest", &request)];
        let answer = one(&call, request.response_definition, requests).await?;
        Ok(answer.map(|payload| IdempotentUnaryResponse {
            payload: Some(payload),
        }))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<ClientStreamRequest>>,
    ) -> Result<Response<ClientStreamResponse>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let call = Call::new(metadata, &extensions);
        let (mut definition, mut requests) = (None, Vec::new());
        while let Some(request) = stream.message().await? {
            if requests.is_empty() {
                definition.clone_from(&request.response_definition);
            }
            requests.push(any("ClientStreamRequest", &request));
        }
        let answer = one(&call, definition, requests).await?;
        Ok(answer.map(|payload| ClientStreamResponse {
            payload: Some(payload),
        }))
    }

    async fn server_stream(
        &self,
        request: Request<ServerStreamRequest>,
    ) -> Result<Response<Self::ServerStreamStream>, Status> {
        let (metadata, extensions, request) = request.into_parts();
        let call = Call::new(metadata, &extensions);
        let requests = vec![any("ServerStreamRequest", &request)];
        let definition = request.response_definition.unwrap_or_default();
        let answer = announced(&definition);
        let payloads = try_stream! {
            for (at, data) in definition.response_data.iter().enumerate() {
                call.pause(definition.response_delay_ms).await?;
                let info = (at == 0).then(|| call.info(requests.clone()));
                yield ServerStreamResponse { payload: Some(payload(data, info)) };
            }
            end(&call, &definition, requests)?;
        };
        Ok(answer.map(|()| Box::pin(payloads) as Responses<_>))
    }

    async fn bidi_stream(
        &self,
        request: Request<Streaming<BidiStreamRequest>>,
    ) -> Result<Response<Self::BidiStreamStream>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let call = Call::new(metadata, &extensions);
        let first = stream.message().await?.unwrap_or_default();
        let mut requests = vec![any("BidiStreamRequest", &first)];
        let is_full_duplex = first.full_duplex;
        while !is_full_duplex && let Some(request) = stream.message().await? {
            requests.push(any("BidiStreamRequest", &request));
        }
        let definition = first.response_definition.unwrap_or_default();
        let answer = announced(&definition);
        let payloads = try_stream! {
            for (at, data) in definition.response_data.iter().enumerate() {
                let next = if is_full_duplex && at > 0 {
                    stream.message().await?
                } else {
                    None
                };
                requests.extend(next.map(|request| any("BidiStreamRequest", &request)));
                call.pause(definition.response_delay_ms).await?;
                let requests = std::mem::take(&mut requests);
                let info = match at {
                    0 => Some(call.info(requests)),
                    _ if requests.is_empty() => None,
                    _ => Some(RequestInfo { requests, ..RequestInfo::default() }),
                };
                yield BidiStreamResponse { payload: Some(payload(data, info)) };
            }
            end(&call, &definition, requests)?;
        };
        Ok(answer.map(|()| Box::pin(payloads) as Responses<_>))
    }

    async fn unimplemented(
        &self,
        _: Request<UnimplementedRequest>,
    ) -> Result<Response<UnimplementedResponse>, Status> {
        Err(Status::unimplemented("it is not implemented"))
    }
}

/// A response of one message.
async fn one(
    call: &Call,
    definition: Option<UnaryResponseDefinition>,
    requests: Vec<Any>,
) -> Result<Response<ConformancePayload>, Status> {
    let info = call.info(requests);
    let definition = definition.unwrap_or_default();
    call.pause(definition.response_delay_ms).await?;
    let mut metadata = headers(&definition.response_headers);
    let trailers = headers(&definition.response_trailers);
    let data = match definition.response {
        Some(Wanted::Error(error)) => {
            // tonic has one set of metadata for a call that fails at once.
            metadata.extend(trailers);
            return Err(failure(&error, Some(info), metadata));
        }
        Some(Wanted::ResponseData(data)) => data,
        None => Vec::new(),
    };
    let mut answer = Response::new(payload(&data, Some(info)));
    *answer.metadata_mut() = MetadataMap::from_headers(metadata);
    answer.extensions_mut().insert(Trailers(trailers));
    Ok(answer)
}

/// The head of a response of many messages.
fn announced(definition: &StreamResponseDefinition) -> Response<()> {
    let mut answer = Response::new(());
    let metadata = headers(&definition.response_headers);
    *answer.metadata_mut() = MetadataMap::from_headers(metadata);
    let trailers = headers(&definition.response_trailers);
    answer.extensions_mut().insert(Trailers(trailers));
    answer
}

fn payload(data: &[u8], info: Option<RequestInfo>) -> ConformancePayload {
    ConformancePayload {
        data: data.to_vec(),
        request_info: info,
    }
}

/// Ends a stream with the error of its definition, if it has one.
fn end(
    call: &Call,
    definition: &StreamResponseDefinition,
    requests: Vec<Any>,
) -> Result<(), Status> {
    let Some(error) = &definition.error else {
        return Ok(());
    };
    // The error of an empty stream has what its first message would have.
    let info = definition
        .response_data
        .is_empty()
        .then(|| call.info(requests));
    Err(failure(error, info, HeaderMap::new()))
}
