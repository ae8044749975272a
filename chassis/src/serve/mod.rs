//! Starts and stops a gRPC server; both services use this one.

pub mod deadline;
pub mod while_allowed;

pub(crate) mod budget;

mod admission;
mod calls;
mod clients;
mod connection;
mod counted;
mod cross_origin;
mod door;
mod health;
mod hosts;
mod metrics_page;
mod mounted;
mod reflection;
mod request_body;
mod response_body;
mod rpcs;
mod socket;
mod stream_body;
mod traced;
mod translation;
mod unread;
mod workers;
mod write_timeout;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic_health::server::health_reporter;

pub use crate::serve::mounted::Services;
pub use crate::serve::socket::Socket;
pub use wires::accepts_gzip;

use crate::access::client_address::TrustedProxies;
use crate::access::passed_on::Forwarders;
use crate::access::rate_limits::RateLimits;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::process;
use crate::serve::calls::Calls;
use crate::serve::clients::Clients;
use crate::serve::health::States;
use crate::serve::hosts::Hosts;
use crate::serve::workers::{Stopping, Workers};
use crate::settings::config::ServerConfig;
use crate::tls::TlsError;
use crate::tls::server::ServerTls;

/// Why a server failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is in use, or is not one of this machine.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The address file cannot be written.
    #[error("cannot write the address file: {0}")]
    AddressFile(#[source] io::Error),
    /// The TLS files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Passwords and tokens would be sent over the network unencrypted.
    #[error(
        "{0} can be reached from other machines, and TLS is not configured; set TLS_CERT_FILE and \
         TLS_KEY_FILE, or ALLOW_PLAINTEXT if the network is private or a proxy terminates TLS"
    )]
    Plaintext(SocketAddr),
    /// The socket cannot be used.
    #[error("cannot use the socket: {0}")]
    Socket(#[source] io::Error),
    /// The descriptors of the services are invalid.
    #[error("cannot describe the services")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Worker(#[source] io::Error),
    /// A bug.
    #[error("a thread that serves has died")]
    WorkerDied,
}

/// Binds the address; connections are refused until the server runs.
pub fn take(addr: SocketAddr) -> Result<Socket, ServeError> {
    Socket::take(addr).map_err(|cause| ServeError::Listen(addr, cause))
}

/// Completes when the server may listen.
type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server to be started.
pub struct Server {
    config: ServerConfig,
    needs: Vec<watch::Receiver<bool>>,
    reports: Vec<(&'static str, watch::Receiver<bool>)>,
    gate: Gate,
    limits: RateLimits,
    forwarders: Option<Forwarders>,
    metrics: Metrics,
}

impl Server {
    /// Creates one without dependencies and limits.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            needs: Vec::new(),
            reports: Vec::new(),
            gate: Box::pin(std::future::ready(())),
            limits: RateLimits::default(),
            forwarders: None,
            metrics: Metrics::default(),
        }
    }

    /// Refuses calls beyond these limits.
    #[must_use]
    pub fn limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Allows these programs to set the address for which their calls are counted.
    #[must_use]
    pub fn forwarders(mut self, forwarders: Forwarders) -> Self {
        self.forwarders = Some(forwarders);
        self
    }

    /// Adds these metrics.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Reports a separate health state under this name.
    #[must_use]
    pub fn reports(mut self, name: &'static str, state: watch::Receiver<bool>) -> Self {
        self.reports.push((name, state));
        self
    }

    /// Listens only after this has completed.
    #[must_use]
    pub fn listens_after(mut self, gate: impl Future<Output = ()> + Send + 'static) -> Self {
        self.gate = Box::pin(gate);
        self
    }

    /// Reports `NOT_SERVING` whenever this is false.
    #[must_use]
    pub fn needs(mut self, need: watch::Receiver<bool>) -> Self {
        self.needs.push(need);
        self
    }

    /// What every call goes through first.
    fn calls(&self) -> Arc<Calls> {
        let proxies = TrustedProxies::new(self.config.trusted_proxies.clone());
        let clients = Arc::new(Clients::new(&self.config.clients, proxies));
        self.metrics
            .collect(clients::ClientMetrics(Arc::clone(&clients)));
        let forwarders = self.forwarders.clone();
        let calls = Arc::new(Calls::new(self.limits.clone(), clients, forwarders));
        self.metrics.collect(Arc::clone(&calls));
        let started = Clock::System.now().timestamp();
        let started = u32::try_from(started).map_or(f64::NAN, f64::from);
        let help = "When the service was started, in seconds since the epoch";
        let name = "start_time_seconds";
        self.metrics.gauge(name, help, move || started);
        let help = "1, with the version of the service";
        self.metrics.gauges("build_info", help, "version", || {
            vec![(env!("CARGO_PKG_VERSION").into(), 1.0)]
        });
        process::publish(&self.metrics);
        calls
    }

    /// Serves until `shutdown` completes, then waits for open calls for at most the
    /// configured grace period. `add` is called once on each serving thread.
    pub async fn run(
        self,
        socket: impl Into<Socket>,
        shutdown: impl Future<Output = ()>,
        add: impl Fn(Services) -> Services + Send + Sync + 'static,
    ) -> Result<(), ServeError> {
        let socket = socket.into();
        let address = socket.address().map_err(ServeError::Socket)?;
        let tls = ServerTls::load(&self.config.tls)?;
        if tls.is_none() {
            permit_plaintext(address, self.config.allow_plaintext)?;
        }
        ServerTls::publish(tls.clone(), &self.metrics);
        // Background work stops when this function ends.
        let mut chores = JoinSet::new();
        chores.extend(tls.clone().map(ServerTls::follow));
        let (reporter, health) = health_reporter();
        let is_local = tls.is_none() && is_here(address);
        let hosts = Hosts::new(&self.config.allowed_hosts, is_local);
        let (stop, soon) = watch::channel(false);
        let (cut_off, now) = watch::channel(false);
        let stopping = Stopping { soon, now };
        let make = mounted::each(add, health, hosts, stopping.soon.clone());
        let calls = self.calls();
        let mut workers =
            Workers::start(&self.config, tls.as_ref(), Arc::new(make), calls, &stopping).await?;

        // Set before the first connection, so that no client sees a wrong state.
        let states = States {
            reporter,
            names: workers.names.iter().copied().chain([""]).collect(),
            others: self.reports,
        };
        let follow = states.follow(self.needs).await;
        let mut addresses = vec![address];
        if let Some(addr) = self.config.metrics_addr {
            let listener = take(addr)?.listen().map_err(ServeError::Socket)?;
            addresses.push(listener.local_addr().map_err(ServeError::Socket)?);
            chores.spawn(metrics_page::serve(self.metrics, listener));
        }
        let file = self.config.address_file.as_deref();
        let listen = async {
            self.gate.await;
            let listener = socket.listen();
            let listener = listener.map_err(|cause| ServeError::Listen(address, cause))?;
            write_addresses(file, &addresses).map_err(ServeError::AddressFile)?;
            let metrics = addresses.get(1).map(tracing::field::display);
            tracing::info!(%address, metrics, tls = tls.is_some(), "serving");
            Ok(listener)
        };
        let accept = workers.accept(listen);
        let until_stop = async {
            shutdown.await;
            tracing::info!("stopping");
            states
                .announce_stop(follow, self.config.shutdown_lead)
                .await;
        };
        tokio::select! {
            ended = workers.ended() => ended?,
            never = accept => never?,
            () = until_stop => {}
        }
        stop.send_replace(true);
        let in_time = timeout(self.config.shutdown_grace, workers.ended()).await;
        let ended = if let Ok(ended) = in_time {
            ended
        } else {
            tracing::warn!("open calls are cut off: the grace period is over");
            cut_off.send_replace(true);
            workers.ended().await
        };
        if let Some(path) = file {
            let _ = std::fs::remove_file(path);
        }
        tracing::info!("stopped");
        ended
    }
}

/// Whether only this machine can reach an address.
fn is_here(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Prevents serving other machines without TLS by accident.
fn permit_plaintext(address: SocketAddr, is_allowed: bool) -> Result<(), ServeError> {
    if is_here(address) {
        return Ok(());
    }
    if !is_allowed {
        return Err(ServeError::Plaintext(address));
    }
    tracing::warn!(%address, "TLS is not configured: anyone on the network can read passwords");
    Ok(())
}

/// The address of calls, then that of metrics; written completely or not at all.
fn write_addresses(file: Option<&Path>, addresses: &[SocketAddr]) -> io::Result<()> {
    let Some(path) = file else { return Ok(()) };
    let lines: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
    let part = path.with_extension("part");
    std::fs::write(&part, lines.join("\n") + "\n")?;
    std::fs::rename(part, path)
}
