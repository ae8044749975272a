//! The connections of a thread: served, asked to close when they are old or the server
//! stops, and closed if they do not.
//!
//! Not with tonic's own server: with `max_connection_age_grace` it closes connections
//! without notice (tonic 0.14.9), and without it old ones may last for ever.

use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tower::{Layer, Service};
use wires::Unread;

use crate::access::client::Client;
use crate::serve::admission::Admitted;
use crate::serve::budget::Account;
use crate::serve::calls::{Calls, CallsLayer, Counting};
use crate::serve::clients::{OpenCall, Peer};
use crate::serve::cross_origin::CrossOrigin;
use crate::serve::deadline::{Answer, AnswerLayer};
use crate::serve::door::{Door, Served};
use crate::serve::response_body::{ResponseBody, ResponseFuture};
use crate::serve::unread::{self, ReadTimeout, WaitsFor};
use crate::serve::workers::Stopping;
use crate::serve::write_timeout::WriteTimeout;
use crate::settings::config::ServerConfig;
use crate::trouble::cause;

/// The time for the responses of cut off calls to reach their clients.
pub(crate) const ANSWERS_LEAVE: Duration = Duration::from_secs(1);

/// What the transport buffers of each response, besides what is counted as unread.
const SEND_BYTES: usize = 64 * 1024;

/// A connection, for its calls.
#[derive(Debug)]
pub(crate) struct Connection {
    info: TcpConnectInfo,
    peer: Peer,
    /// The bytes of responses that are not read.
    unread: Arc<AtomicU64>,
    /// The bytes of requests that have not arrived completely.
    arriving: Arc<AtomicU64>,
    cut: watch::Receiver<Option<Cut>>,
}

/// Why open calls are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server stops.
    Stopping,
    /// Their connection is too old, and they did not finish in time.
    Aged,
}

impl Connection {
    /// What the bytes of a call's request are counted for.
    pub(crate) fn arriving(&self, client: &Arc<Client>) -> Account {
        Account {
            budget: self.peer.arriving(),
            connection: Arc::clone(&self.arriving),
            client: Arc::clone(client),
        }
    }

    /// Completes when open calls are cut off.
    pub(crate) fn cut_off(&self) -> impl Future<Output = Cut> + Send + use<> {
        let mut cut = self.cut.clone();
        async move {
            let why = cut.wait_for(Option::is_some).await.map(|why| *why);
            match why {
                Ok(Some(why)) => why,
                // The connection is closed: no one waits for a response.
                _ => pending().await,
            }
        }
    }
}

/// Serves the connections of a thread.
pub(crate) struct Connections {
    service: CallService,
    http: Builder<ReadTimeout>,
    age: Duration,
    grace: Duration,
    /// The limits for clients that do not read.
    patience: Duration,
}

/// The layers of a request.
type CallService = CrossOrigin<Door<Counting<Answer<Routes>>>>;

impl Connections {
    pub(crate) fn new(
        config: &ServerConfig,
        calls: Arc<Calls>,
        served: Arc<Served>,
        routes: Routes,
    ) -> Self {
        let answer = AnswerLayer::new(config).layer(routes);
        let door = Door {
            inner: CallsLayer(Arc::clone(&calls)).layer(answer),
            served,
            calls,
        };
        Self {
            service: CrossOrigin::new(&config.allowed_origins, door),
            http: http(config),
            age: with_jitter(config.connection_age),
            grace: config.connection_grace,
            patience: config.clients.answer,
        }
    }

    /// Serves these connections until the server stops, and then until all have ended.
    pub(crate) async fn serve(&self, mut streams: ReceiverStream<Admitted>, stopping: &Stopping) {
        let mut open = JoinSet::new();
        let mut soon = stopping.soon.clone();
        loop {
            tokio::select! {
                _ = soon.wait_for(|stop| *stop) => break,
                Some(_) = open.join_next() => {}
                stream = streams.next() => match stream {
                    Some(stream) => drop(open.spawn(self.one(stream, stopping.clone()))),
                    None => break,
                },
            }
        }
        // No connection is waiting any more.
        drop(streams);
        while open.join_next().await.is_some() {}
    }

    /// Serves a connection to its end.
    fn one(&self, admitted: Admitted, stopping: Stopping) -> impl Future<Output = ()> + use<> {
        let Admitted { stream, peer } = admitted;
        let (cut, is_cut) = watch::channel(None);
        let calls = ConnectionService {
            service: self.service.clone(),
            connection: Arc::new(Connection {
                info: stream.connect_info(),
                peer,
                unread: Arc::default(),
                arriving: Arc::default(),
                cut: is_cut,
            }),
        };
        let stream = WriteTimeout::new(stream, self.patience);
        let (http, age, grace) = (self.http.clone(), self.age, self.grace);
        let patience = self.patience;
        unread::recording(async move {
            let Stopping { mut soon, mut now } = stopping;
            let mut serving = pin!(http.serve_connection(TokioIo::new(stream), calls));
            let mut unread = pin!(unread::client_stopped(patience));
            let is_aged = tokio::select! {
                biased;
                ended = &mut serving => return log_end(ended),
                () = &mut unread => return,
                _ = soon.wait_for(|stop| *stop) => false,
                () = sleep(age) => true,
            };
            serving.as_mut().graceful_shutdown();
            let why = tokio::select! {
                biased;
                ended = &mut serving => return log_end(ended),
                () = &mut unread => return,
                _ = now.wait_for(|stop| *stop) => Cut::Stopping,
                () = sleep(grace), if is_aged => Cut::Aged,
            };
            cut.send_replace(Some(why));
            let _ = timeout(ANSWERS_LEAVE, serving).await;
        })
    }
}

/// How the end of a connection is logged.
fn log_end(ended: Result<(), Box<dyn Error + Send + Sync>>) {
    if let Err(error) = ended {
        // Logged at debug level, because anyone can cause any number of these.
        tracing::debug!(cause = cause(&*error), "a connection failed");
    }
}

fn http(config: &ServerConfig) -> Builder<ReadTimeout> {
    let mut http = Builder::new(ReadTimeout(config.clients.answer));
    // How long the head of a further HTTP/1 request on the connection may take.
    let patience = config.connection_preface;
    http.http1()
        // Of the head of a request, and of what is written of a response.
        .max_buf_size(SEND_BYTES)
        .timer(TokioTimer::new())
        .header_read_timeout(patience);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.connection_streams)
        .max_send_buf_size(SEND_BYTES)
        // As many calls may be reset at once as may be open, because a proxy's connection
        // has many users.
        .max_pending_accept_reset_streams(usize::try_from(config.connection_streams).ok())
        .keep_alive_interval(config.keepalive)
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

/// 10 % more or less by process (gRFC A9), so that the clients of replicas that
/// started together do not reconnect together.
fn with_jitter(age: Duration) -> Duration {
    let percent = 90 + std::process::id() % 21;
    age * percent / 100
}

/// Accepts the calls of a connection, and gives them its data.
struct ConnectionService {
    service: CallService,
    connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture<<CallService as Service<Request<Body>>>::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (mut request, unread) = Unread::of(request.map(Body::new));
        let extensions = request.extensions_mut();
        extensions.insert(self.connection.info.clone());
        extensions.insert(Arc::clone(&self.connection));
        // HTTP/1.1 runs its calls on the task of the connection, one after another.
        WaitsFor::Server.record();
        let peer = &self.connection.peer;
        let call = peer.call(request.extensions(), request.headers());
        let call = call.map_err(|crowded| request.extensions_mut().insert(crowded));
        let call = call.ok();
        let network = call.as_ref().and_then(OpenCall::network);
        let client = Arc::new(Client::new(network));
        request.extensions_mut().insert(Arc::clone(&client));
        let account = Account {
            budget: peer.unread(),
            connection: Arc::clone(&self.connection.unread),
            client,
        };
        // It is always ready.
        let response = self.service.clone().call(request);
        ResponseFuture::new(response, call, account, unread)
    }
}
