//! Starts the server as the suite asks for it.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::sync::Arc;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use prost::Message;
use prost_reflect::DescriptorPool;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tower::{Layer, Service, service_fn};
use wires::{Unread, Wires, WiresLayer};

use crate::answers::{ByGet, Trailers};
use crate::service::Conformance;
use crate::suite::conformance_service_server::ConformanceServiceServer;
use crate::suite::{ServerCompatRequest, ServerCompatResponse};

/// The largest message where the suite sets no limit, in bytes.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads the request of the suite, says where the server is, and serves until killed.
pub(crate) async fn run() -> io::Result<()> {
    let wanted: ServerCompatRequest = read(&mut io::stdin().lock())?;
    let bytes_max = match usize::try_from(wanted.message_receive_limit) {
        Ok(limit) if limit > 0 => limit,
        _ => BYTES_MAX,
    };
    let service = ConformanceServiceServer::new(Conformance)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(bytes_max);
    let grpc = Routes::new(service).prepare();
    let grpc = service_fn(move |request: Request<Body>| {
        let answer = grpc.clone().call(request);
        async { Ok::<_, Infallible>(with_trailers(answer.await.unwrap_or_default())) }
    });
    let set: &[u8] = tonic::include_file_descriptor_set!("descriptor");
    let pool = DescriptorPool::decode(set).map_err(io::Error::other)?;
    // The suite accepts no details that its cases do not name.
    let wires = Wires::new(pool, bytes_max).without_reasons();
    let all = WiresLayer(Arc::new(wires)).layer(grpc);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let here = ServerCompatResponse {
        host: address.ip().to_string(),
        port: address.port().into(),
        ..ServerCompatResponse::default()
    };
    write(&here)?;
    loop {
        let (socket, _) = listener.accept().await?;
        let all = all.clone();
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            if request.method() == Method::GET {
                request.extensions_mut().insert(ByGet);
            }
            let (request, unread) = Unread::of(request.map(Body::new));
            let response = all.clone().call(request);
            async move {
                let mut response = response.await?;
                if let Some(rest) = unread.rest() {
                    rest.pass_over(&mut response).await;
                }
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            // The suite reports what it sees.
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// tonic sends no trailers with a success, except the status.
fn with_trailers(mut answer: Response<Body>) -> Response<Body> {
    let Some(Trailers(more)) = answer.extensions_mut().remove() else {
        return answer;
    };
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                trailers.extend(more.clone());
                http_body::Frame::trailers(trailers)
            }
            Err(data) => data,
        }))
    })
}

/// Reads a message with its length before it, in four bytes.
fn read<M: Message + Default>(input: &mut impl Read) -> io::Result<M> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    input.read_exact(&mut message)?;
    M::decode(message.as_slice()).map_err(io::Error::other)
}

fn write(message: &impl Message) -> io::Result<()> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let mut output = io::stdout().lock();
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&message)?;
    output.flush()
}
