//! The settings that both services share. Each is a flag, an environment variable and a
//! help text.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::builder::TypedValueParser;
use http::HeaderValue;
use ipnet::IpNet;
use secrecy::SecretString;

use crate::access::rate_limits::LimitChanges;
use crate::settings::origin::origin;
use crate::telemetry::LogFormat;

/// The files of a server's TLS.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Encryption")]
pub struct TlsConfig {
    /// PEM file of the service's certificate chain; the service does not use TLS when
    /// unset
    #[arg(long, env, requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,

    /// PEM file of the private key of that certificate
    #[arg(long, env, requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,

    /// PEM file of CA certificates for client certificates; when set, clients without
    /// such a certificate are refused
    #[arg(long, env, requires = "tls_cert_file")]
    pub tls_client_ca_file: Option<PathBuf>,
}

/// What one client may hold open.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct ClientConfig {
    /// Maximum number of connections per client address (IPv4, or IPv6 /64); trusted proxies are not
    /// limited
    #[arg(long, env, default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub client_connections: u32,

    /// Maximum number of concurrent calls and streams per client address (IPv4, or IPv6 /64)
    #[arg(long, env, default_value = "2000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub client_calls: u32,

    /// Time in which a client must read a response, or a message of a stream, in seconds,
    /// plus a second for each 64 KiB that it has read
    #[arg(long = "answer-seconds", env = "ANSWER_SECONDS", default_value = "20", value_parser = seconds(1..=3600))]
    pub answer: Duration,

    /// Maximum size of unread responses per connection, in bytes
    #[arg(long, env, default_value = "33554432", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub connection_answer_bytes: u64,

    /// Maximum size of unread responses per user, and per client address for calls without a
    /// token, in bytes
    #[arg(long, env, default_value = "67108864", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub user_answer_bytes: u64,

    /// Maximum size of requests that have not arrived completely per connection, in bytes
    #[arg(long, env, default_value = "33554432", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub connection_request_bytes: u64,

    /// Maximum size of requests that have not arrived completely per user, and per client address
    /// (IPv4, or IPv6 /64), in bytes
    #[arg(long, env, default_value = "67108864", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub client_request_bytes: u64,
}

/// The defaults.
impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            client_connections: 1000,
            client_calls: 2000,
            answer: Duration::from_secs(20),
            connection_answer_bytes: 32 * 1024 * 1024,
            user_answer_bytes: 64 * 1024 * 1024,
            connection_request_bytes: 32 * 1024 * 1024,
            client_request_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Settings of the server.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerConfig {
    /// File to which the service writes its address while it accepts calls, with the
    /// address of the metrics on a second line
    #[arg(help_heading = "Network", long, env)]
    pub address_file: Option<PathBuf>,

    /// Format of the log lines
    #[arg(
        help_heading = "Logs and metrics",
        long,
        env,
        value_enum,
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// Threads that serve calls; by default half the number of processors
    #[arg(help_heading = "Calls", long, env, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub worker_threads: Option<u16>,

    /// Deadline of a call whose client sets none, in seconds
    #[arg(help_heading = "Calls", long = "request-timeout-seconds", env = "REQUEST_TIMEOUT_SECONDS", default_value = "10", value_parser = seconds(1..=3600))]
    pub request_timeout: Duration,

    /// Maximum duration of a call, whatever deadline its client sets, in seconds; streams are exempt
    #[arg(help_heading = "Calls", long = "request-timeout-max-seconds", env = "REQUEST_TIMEOUT_MAX_SECONDS", default_value = "60", value_parser = seconds(1..=3600))]
    pub request_timeout_max: Duration,

    /// Time in which the message of a request must arrive, in seconds, plus a second for each 64 KiB received
    #[arg(help_heading = "Calls", long = "request-message-seconds", env = "REQUEST_MESSAGE_SECONDS", default_value = "10", value_parser = seconds(1..=3600))]
    pub request_message: Duration,

    /// Time between reporting `NOT_SERVING` and refusing connections when stopping, in seconds
    #[arg(help_heading = "Start and stop", long = "shutdown-lead-seconds", env = "SHUTDOWN_LEAD_SECONDS", default_value = "0", value_parser = seconds(0..=3600))]
    pub shutdown_lead: Duration,

    /// Maximum wait for open calls when stopping, in seconds
    #[arg(help_heading = "Start and stop", long = "shutdown-grace-seconds", env = "SHUTDOWN_GRACE_SECONDS", default_value = "10", value_parser = seconds(0..=3600))]
    pub shutdown_grace: Duration,

    /// Age at which a client is asked to reconnect, in seconds
    #[arg(help_heading = "Network", long = "connection-age-seconds", env = "CONNECTION_AGE_SECONDS", default_value = "1800", value_parser = seconds(1..=31_536_000))]
    pub connection_age: Duration,

    /// Time after `CONNECTION_AGE_SECONDS` in which open calls and streams can finish, in
    /// seconds; then they fail with UNAVAILABLE
    #[arg(help_heading = "Network", long = "connection-grace-seconds", env = "CONNECTION_GRACE_SECONDS", default_value = "60", value_parser = seconds(1..=86_400))]
    pub connection_grace: Duration,

    /// Time in which a new connection must complete its TLS handshake, and the same time again for
    /// its HTTP/2 preface, in seconds
    #[arg(help_heading = "Network", long = "connection-preface-seconds", env = "CONNECTION_PREFACE_SECONDS", default_value = "3", value_parser = seconds(1..=300))]
    pub connection_preface: Duration,

    /// Time without traffic after which a connection is checked, over HTTP/2 with a ping, in
    /// seconds
    #[arg(help_heading = "Network", long = "keepalive-seconds", env = "KEEPALIVE_SECONDS", default_value = "30", value_parser = seconds(1..=86_400))]
    pub keepalive: Duration,

    /// Maximum number of concurrent calls per connection
    #[arg(help_heading = "Network", long, env, default_value = "256", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub connection_streams: u32,

    /// Limits of one client.
    #[command(flatten)]
    pub clients: ClientConfig,

    /// Host names under which the service may be called, separated by commas, such as
    /// `book.example.com`; a service that listens on this machine only and without TLS accepts
    /// `localhost`, loopback addresses and these names
    #[arg(help_heading = "Network", long, env, value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// Origins of web pages that may call the service from a browser, separated by commas, such as
    /// `https://book.example.com`; none when unset
    #[arg(help_heading = "Network", long, env, value_delimiter = ',', value_parser = origin)]
    pub allowed_origins: Vec<HeaderValue>,

    /// Whether to serve other machines without TLS; for private networks, and behind a proxy
    #[arg(help_heading = "Encryption", long, env, default_value = "false", action = clap::ArgAction::Set)]
    pub allow_plaintext: bool,

    /// TLS.
    #[command(flatten)]
    pub tls: TlsConfig,

    /// Networks of proxies whose `x-forwarded-for` is trusted, separated by commas, such as `10.0.0.0/8`
    #[arg(help_heading = "Network", long, env, value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,

    /// Changes to the rate limits, such as `log_in:ip=60/m,log_in:user=off`; `off` lifts all
    #[arg(
        help_heading = "Calls",
        long,
        env,
        default_value = "",
        hide_default_value = true
    )]
    pub rate_limits: LimitChanges,

    /// Address that serves `/metrics`; disabled when unset
    #[arg(help_heading = "Logs and metrics", long, env)]
    pub metrics_addr: Option<SocketAddr>,

    /// Traces.
    #[command(flatten)]
    pub traces: TraceConfig,
}

impl ServerConfig {
    /// How many threads serve calls. The database needs the other half of the processors.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        let half = || available_parallelism().map_or(1, |all| all.get().div_ceil(2));
        self.worker_threads.map_or_else(half, usize::from)
    }
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TraceSampler {
    /// All of them.
    #[value(name = "always_on")]
    AlwaysOn,
    /// None.
    #[value(name = "always_off")]
    AlwaysOff,
    /// Some of them, by their ids.
    #[value(name = "traceidratio")]
    Ratio,
    /// What the caller records; every call whose caller does not say.
    #[default]
    #[value(name = "parentbased_always_on")]
    ParentOrOn,
    /// What the caller records.
    #[value(name = "parentbased_always_off")]
    ParentOrOff,
    /// What the caller records; some of the calls whose caller does not say.
    #[value(name = "parentbased_traceidratio")]
    ParentOrRatio,
}

/// Settings of traces, with the names of the OpenTelemetry specification.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceConfig {
    /// URL of the collector to send traces to, by OTLP over gRPC, such as `http://127.0.0.1:4317`;
    /// no traces when unset
    #[arg(long, env)]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// PEM file of CA certificates for the collector; public CAs when unset
    #[arg(long, env, requires = "otel_exporter_otlp_endpoint")]
    pub otel_exporter_otlp_certificate: Option<PathBuf>,

    /// Name of the service in traces; the program's name when unset
    #[arg(long, env)]
    pub otel_service_name: Option<String>,

    /// Which traces are recorded
    #[arg(long, env, value_enum, default_value = "parentbased_always_on")]
    pub otel_traces_sampler: TraceSampler,

    /// Fraction of the traces for the samplers with `traceidratio`, from 0 to 1
    #[arg(long, env, default_value = "1", value_parser = part)]
    pub otel_traces_sampler_arg: f64,
}

fn part(text: &str) -> Result<f64, String> {
    let part = text.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// Settings of the database.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseConfig {
    /// PostgreSQL URL, such as `postgres://user@host:5432/addressbook`; of several hosts, separated by
    /// commas, the one that takes writes is used
    #[arg(long, env, hide_env_values = true)]
    pub database_url: SecretString,

    /// File with the password, instead of one in the URL
    #[arg(long, env)]
    pub database_password_file: Option<PathBuf>,

    /// Maximum number of connections to the database, at least 3
    #[arg(long, env, default_value = "12", value_parser = clap::value_parser!(u32).range(3..=10_000))]
    pub database_connections: u32,

    /// Maximum wait for a connection to the database, in seconds
    #[arg(long = "database-acquire-seconds", env = "DATABASE_ACQUIRE_SECONDS", default_value = "3", value_parser = seconds(1..=600))]
    pub database_acquire: Duration,

    /// Maximum duration of one statement, in seconds
    #[arg(long = "database-statement-seconds", env = "DATABASE_STATEMENT_SECONDS", default_value = "5", value_parser = seconds(1..=3600))]
    pub database_statement: Duration,

    /// Maximum wait for the database at the start, in seconds
    #[arg(long = "database-start-seconds", env = "DATABASE_START_SECONDS", default_value = "30", value_parser = seconds(1..=86_400))]
    pub database_start: Duration,
}

/// The passwords that `migrate` gives to the services' roles.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RolePasswords {
    /// File with the password to set for the role `auth_service`
    #[arg(long, env)]
    pub auth_role_password_file: Option<PathBuf>,

    /// File with the password to set for the role `contacts_service`
    #[arg(long, env)]
    pub contacts_role_password_file: Option<PathBuf>,
}

/// Reads a number of seconds within `range`. Every duration has an upper bound, because
/// sums of larger times would overflow.
pub fn seconds(range: RangeInclusive<u64>) -> impl TypedValueParser<Value = Duration> {
    clap::value_parser!(u64)
        .range(range)
        .map(Duration::from_secs)
}
