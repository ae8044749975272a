//! A server with a small service, on a runtime of its own, as in a process.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chassis::access::rate_limits::{CheckedAt, Group, LimitChanges, RateLimits};
use chassis::serve::deadline::Deadline;
use chassis::serve::{ServeError, Server, Services};
use chassis::settings::config::{ClientConfig, ServerConfig, TlsConfig, TraceConfig};
use chassis::telemetry::LogFormat;
use proto::auth::server::auth_service_server::{AuthService, AuthServiceServer};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    CompleteMfaRequest, CompleteMfaResponse, GetJwksRequest, GetJwksResponse, GetServerInfoRequest,
    GetServerInfoResponse, JsonWebKey, LogInRequest, LogInResponse, LogOutRequest, LogOutResponse,
    RefreshTokenRequest, RefreshTokenResponse, RequestPasswordResetRequest,
    RequestPasswordResetResponse, ResetPasswordRequest, ResetPasswordResponse,
    SendEmailVerificationRequest, SendEmailVerificationResponse, SignUpRequest, SignUpResponse,
    User, VerifyEmailRequest, VerifyEmailResponse,
};
use tokio::sync::{oneshot, watch};
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

/// The path of the call that waits for the gate.
pub(crate) const WAIT: &str = "/addressbook.auth.v1.AuthService/RefreshToken";
/// The path of the call that panics.
pub(crate) const PANIC: &str = "/addressbook.auth.v1.AuthService/LogIn";
/// The path of a call that immediately returns an empty message.
pub(crate) const EMPTY: &str = "/addressbook.auth.v1.AuthService/LogOut";
/// The path of the call that returns its deadline, in milliseconds, and its client's
/// address.
pub(crate) const TIME_LEFT: &str = "/addressbook.auth.v1.AuthService/GetServerInfo";

/// The largest request of the service, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Without limits, unless a test sets some.
const GROUPS: [Group; 2] = [
    group("empty", &["AuthService/LogOut"]),
    group("info", &["AuthService/GetServerInfo"]),
];

const fn group(name: &'static str, rpcs: &'static [&'static str]) -> Group {
    Group {
        name,
        rpcs,
        ip: None,
        user: None,
        checked_at: CheckedAt::Layer,
    }
}

/// How tests observe and control the service.
#[derive(Default)]
pub(crate) struct Steering {
    /// Calls that wait now.
    pub(crate) waiting: AtomicUsize,
    /// Lets the waiting calls finish.
    pub(crate) gate: watch::Sender<bool>,
    /// The response of `GetJwks`.
    pub(crate) jwks: Mutex<GetJwksResponse>,
    /// How often it was called.
    pub(crate) jwks_reads: AtomicUsize,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct TestService(Arc<Steering>);

#[tonic::async_trait]
impl AuthService for TestService {
    async fn sign_up(
        &self,
        request: Request<SignUpRequest>,
    ) -> Result<Response<SignUpResponse>, Status> {
        let display_name = request.into_inner().display_name;
        let user = User {
            display_name,
            ..User::default()
        };
        Ok(Response::new(SignUpResponse { user: Some(user) }))
    }

    async fn log_in(&self, _: Request<LogInRequest>) -> Result<Response<LogInResponse>, Status> {
        panic!("the password was hunter2");
    }

    async fn complete_mfa(
        &self,
        _: Request<CompleteMfaRequest>,
    ) -> Result<Response<CompleteMfaResponse>, Status> {
        Err(Status::unimplemented("no second factor here"))
    }

    async fn refresh_token(
        &self,
        _: Request<RefreshTokenRequest>,
    ) -> Result<Response<RefreshTokenResponse>, Status> {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.0.waiting);
        let _ = self.0.gate.subscribe().wait_for(|open| *open).await;
        Ok(Response::new(RefreshTokenResponse::default()))
    }

    async fn log_out(&self, _: Request<LogOutRequest>) -> Result<Response<LogOutResponse>, Status> {
        Ok(Response::new(LogOutResponse {}))
    }

    async fn send_email_verification(
        &self,
        _: Request<SendEmailVerificationRequest>,
    ) -> Result<Response<SendEmailVerificationResponse>, Status> {
        Err(Status::unimplemented("no mail here"))
    }

    async fn verify_email(
        &self,
        _: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        Err(Status::unimplemented("no mail here"))
    }

    async fn request_password_reset(
        &self,
        _: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        Err(Status::unimplemented("no mail here"))
    }

    async fn reset_password(
        &self,
        _: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        Err(Status::unimplemented("no mail here"))
    }

    async fn get_jwks(
        &self,
        _: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        self.0.jwks_reads.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(self.0.jwks.lock().unwrap().clone()))
    }

    async fn get_server_info(
        &self,
        request: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        let left = Deadline::of(&request).0 - tokio::time::Instant::now();
        Ok(Response::new(GetServerInfoResponse {
            version: left.as_millis().to_string(),
            issuer: request.remote_addr().unwrap().to_string(),
            ..GetServerInfoResponse::default()
        }))
    }
}

/// The settings that most tests want.
pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        address_file: None,
        log_format: LogFormat::Text,
        worker_threads: Some(2),
        request_timeout: Duration::from_secs(20),
        request_timeout_max: Duration::from_mins(5),
        request_message: Duration::from_secs(10),
        shutdown_lead: Duration::ZERO,
        shutdown_grace: Duration::from_secs(10),
        connection_age: Duration::from_mins(30),
        connection_grace: Duration::from_mins(1),
        connection_preface: Duration::from_secs(10),
        keepalive: Duration::from_secs(30),
        connection_streams: 256,
        clients: ClientConfig::default(),
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        allow_plaintext: false,
        tls: TlsConfig::default(),
        trusted_proxies: Vec::new(),
        rate_limits: LimitChanges::default(),
        metrics_addr: None,
        traces: TraceConfig::default(),
    }
}

fn server(config: ServerConfig) -> Server {
    let limits = RateLimits::new(&GROUPS, &config.rate_limits).unwrap();
    Server::new(config).limits(limits)
}

/// A running server; stopped when it is dropped.
pub(crate) struct App {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its service.
    pub(crate) steering: Arc<Steering>,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl App {
    /// Serves with the usual settings.
    pub(crate) fn start() -> Self {
        Self::with(config(), Vec::new())
    }

    /// Serves with these settings and dependencies.
    pub(crate) fn with(config: ServerConfig, needs: Vec<watch::Receiver<bool>>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self::on(listener, config, needs)
    }

    /// Serves, and reports this state.
    pub(crate) fn reporting(name: &'static str, state: watch::Receiver<bool>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self::serving(listener, server(config()).reports(name, state))
    }

    /// Serves on a bound socket.
    pub(crate) fn on(
        listener: std::net::TcpListener,
        config: ServerConfig,
        needs: Vec<watch::Receiver<bool>>,
    ) -> Self {
        let server = needs.into_iter().fold(server(config), Server::needs);
        Self::serving(listener, server)
    }

    fn serving(listener: std::net::TcpListener, server: Server) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let steering = Arc::new(Steering::default());
        let steered = Arc::clone(&steering);
        let add = move |services: Services| {
            let service = AuthServiceServer::new(TestService(Arc::clone(&steered)))
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .accept_compressed(CompressionEncoding::Gzip);
            let page = axum::routing::get(async || "a page");
            services.with(service).with_page("/page", page)
        };
        let (shutdown, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let ended = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async { drop(stopped.await) };
                server.run(listener, stopped, add).await
            });
            // What still runs ends with the process.
            runtime.shutdown_background();
            ended
        });
        Self {
            address,
            steering,
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    /// How to connect to it.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap()
    }

    /// A new connection to it.
    pub(crate) async fn channel(&self) -> Channel {
        self.endpoint().connect().await.unwrap()
    }

    /// A client of its service, on a new connection.
    pub(crate) async fn client(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.channel().await)
    }

    /// Sets the response of `GetJwks`.
    pub(crate) fn set_jwks(&self, keys: Vec<JsonWebKey>, cache: Duration) {
        *self.steering.jwks.lock().unwrap() = GetJwksResponse {
            keys,
            cache_duration: Some(cache.try_into().unwrap()),
        };
    }

    /// Asks it to stop, without waiting.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Whether it has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until it has stopped, and returns how it ended.
    pub(crate) async fn stopped(&mut self) -> Result<(), ServeError> {
        eventually("the server stops", async || self.has_stopped()).await;
        self.thread.take().unwrap().join().unwrap()
    }

    /// Waits until so many calls wait for the gate.
    pub(crate) async fn until_waiting(&self, calls: usize) {
        eventually("calls wait", async || {
            self.steering.waiting.load(Ordering::SeqCst) == calls
        })
        .await;
    }
}

/// Does not wait, because the clients of this server are on the test's own thread.
impl Drop for App {
    fn drop(&mut self) {
        self.ask_to_stop();
        self.steering.gate.send_replace(true);
    }
}

/// Polls until it is true; fails after 20 s.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < until, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
