//! The auth service: accounts, sessions, and their tokens.

pub mod accounts;
pub mod administration;
pub mod config;
pub mod console;
pub mod error;
pub mod feeds;
pub mod limits;
pub mod mail;
pub mod mfa;
pub mod model;
pub mod passwords;
pub mod purge;
pub mod run_error;
pub mod sealed;
pub mod service;
pub mod service_accounts;
pub mod sessions;
mod settings;
pub mod signing_keys;
pub mod store;
pub mod throttle;
mod wings;

use std::sync::Arc;

use chassis::access::caller::{Identify, RequireCaller};
use chassis::access::client_address::TrustedProxies;
use chassis::access::passed_on::Forwarders;
use chassis::access::rate_limits::RateLimits;
use chassis::access::token::Verifier;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::database::pool::Pool;
use chassis::limited;
use chassis::metrics::Metrics;
use chassis::page_token::Sealer;
use chassis::serve::{Server, Services, Socket};
use chassis::settings::keyring::KeyRing;
use chassis::settings::secret_file;
use chassis::start::lag::{Lag, PURGE_LAG};
use chrono::TimeDelta;
use proto::auth::server::account_service_server::AccountServiceServer;
use proto::auth::server::admin_service_server::AdminServiceServer;
use proto::auth::server::auth_service_server::AuthServiceServer;
use proto::auth::server::service_token_service_server::ServiceTokenServiceServer;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;

use crate::accounts::expiry::Expiry;
use crate::accounts::export::Exports;
use crate::config::Config;
use crate::console::Console;
use crate::mail::{Backlog, Delivery, Outbox, Sender};
use crate::model::refresh_token::Codec;
use crate::passwords::Password;
use crate::passwords::hasher::Hasher;
use crate::purge::Purge;
pub use crate::run_error::RunError;
use crate::service::{
    AccountService, AdminService, AuthService, Jwks, ServerInfo, ServiceTokenService,
};
use crate::settings::delta;
use crate::signing_keys::Keeper;
use crate::wings::Wings;

/// The largest request, in bytes; the largest legitimate one, with two passwords, has a
/// few thousand.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Runs the service on this socket until `shutdown` completes.
pub async fn run(
    config: Config,
    clock: Clock,
    socket: impl Into<Socket>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let limits = RateLimits::new(&limits::GROUPS, &config.server.rate_limits)?;
    let ring = Arc::new(KeyRing::read(&config.secret_keys_file)?);
    let delivery = Delivery::new(&config)?;
    let outbox = Outbox::new(Arc::clone(&ring), delivery.is_some());
    let database = Database::new(&config.database, &[])?;
    let clock = clock.of_database();
    database.ensure_usable(&clock).await?;
    let background = database.background();
    let keeper = Keeper::start(
        background.clone(),
        Arc::clone(&ring),
        settings::schedule(&config),
        clock.clone(),
    )
    .await?;
    if let Some(file) = &config.contacts_secret_file {
        let secret = secret_file::read(file)?;
        service_accounts::ensure_contacts(&background, &secret, &clock)
            .await
            .map_err(RunError::ContactsAccount)?;
    }
    let metrics = Metrics::default();
    database.publish(&metrics, &clock);
    keeper.keys().publish(&metrics, &clock);
    let parts = Parts::new(
        config,
        clock.clone(),
        ring,
        database,
        keeper.clone(),
        outbox.clone(),
    )?;
    parts.hasher.publish(&metrics);
    let sender = delivery.map(|delivery| {
        let (db, throttle) = (background.clone(), wings::throttle(&parts, &background));
        Sender::new(db, outbox, delivery, throttle, clock.clone()).start()
    });
    let mut chores = JoinSet::new();
    let needs = parts.database.watch(&clock, parts.config.token_leeway);
    maintain(&parts, &background, sender.is_some(), &metrics, &mut chores);
    chores.spawn(keeper.forever());
    let grace = parts.config.server.shutdown_grace;
    let served = Server::new(parts.config.server.clone())
        .needs(needs)
        .limits(limits)
        .forwarders(parts.forwarders())
        .metrics(metrics)
        .run(socket, shutdown, move |services| parts.serve(services))
        .await;
    if let Some(sender) = sender {
        sender.stop(grace).await;
    }
    // Background work stops when this function ends.
    chores.shutdown().await;
    Ok(served?)
}

/// Deletes what has expired, and counts the mail that waits.
fn maintain(
    parts: &Parts,
    db: &Pool,
    sends_mail: bool,
    metrics: &Metrics,
    chores: &mut JoinSet<()>,
) {
    let backlog = Backlog::default();
    backlog.publish(metrics, &parts.clock);
    chores.spawn(backlog.follow(db.clone()));
    let purge = Purge {
        db: db.clone(),
        clock: parts.clock.clone(),
        leeway: parts.config.token_leeway,
        token_life: parts.token_life(),
        expiry: parts.expiry(db, sends_mail),
        lag: Lag::new(metrics, PURGE_LAG),
    };
    chores.spawn(purge.forever());
}

/// What all threads share.
struct Parts {
    config: Config,
    clock: Clock,
    ring: Arc<KeyRing>,
    database: Database,
    hasher: Arc<Hasher>,
    outbox: Outbox,
    codec: Arc<Codec>,
    keeper: Keeper,
    sealer: Arc<Sealer>,
    verifier: Arc<Verifier>,
    guard: RequireCaller,
    exports: Arc<Exports>,
    jwks: Jwks,
    info: ServerInfo,
    console: Option<Console>,
}

impl Parts {
    fn new(
        config: Config,
        clock: Clock,
        ring: Arc<KeyRing>,
        database: Database,
        keeper: Keeper,
        outbox: Outbox,
    ) -> Result<Self, RunError> {
        let verifier = Arc::new(settings::verifier(&config, keeper.accepted(), &clock));
        Ok(Self {
            hasher: Arc::new(settings::hasher(&config)?),
            outbox,
            codec: Arc::new(Codec::new(&ring)),
            sealer: Arc::new(Sealer::new(&ring)),
            jwks: Jwks {
                keys: keeper.keys(),
                cache: config.signing_key_cache,
            },
            exports: Exports::new(config.database.database_connections),
            info: server_info(&config),
            console: config.console_contacts_url.as_ref().map(Console::new),
            guard: RequireCaller::new(Arc::clone(&verifier)),
            keeper,
            verifier,
            config,
            clock,
            ring,
            database,
        })
    }

    /// Adds the services of one thread.
    fn serve(&self, services: Services) -> Services {
        let wings = Wings::new(self);
        let proxies = TrustedProxies::new(self.config.server.trusted_proxies.clone());
        let auth = AuthServiceServer::new(AuthService {
            accounts: Arc::clone(&wings.accounts),
            mail: wings.mail,
            sessions: Arc::clone(&wings.sessions),
            mfa: Arc::clone(&wings.mfa),
            jwks: self.jwks.clone(),
            info: self.info.clone(),
            guard: self.guard.clone(),
            proxies: proxies.clone(),
            clock: self.clock.clone(),
        });
        let admin = AdminServiceServer::new(AdminService {
            administration: wings.administration,
            sealer: Arc::clone(&self.sealer),
            proxies: proxies.clone(),
            clock: self.clock.clone(),
        });
        let account = AccountServiceServer::new(AccountService {
            accounts: wings.accounts,
            sessions: wings.sessions,
            mfa: wings.mfa,
            sealer: Arc::clone(&self.sealer),
            proxies,
            clock: self.clock.clone(),
        });
        let service_tokens = ServiceTokenServiceServer::new(ServiceTokenService {
            service_accounts: wings.service_accounts,
            background: self.database.background(),
            keeper: self.keeper.clone(),
            guard: self.guard.clone(),
            token_life: self.token_life(),
            clock: self.clock.clone(),
            stopping: services.stopping(),
        });
        let services = services
            .translated_up_to(REQUEST_BYTES_MAX)
            .with(limited!(auth, REQUEST_BYTES_MAX))
            .with(InterceptedService::new(
                limited!(account, REQUEST_BYTES_MAX),
                Identify(self.guard.clone()),
            ))
            .with(InterceptedService::new(
                limited!(admin, REQUEST_BYTES_MAX),
                Identify(self.guard.clone()),
            ))
            .with(limited!(service_tokens, REQUEST_BYTES_MAX))
            .with_page(Jwks::PATH, self.jwks.page());
        match &self.console {
            Some(console) => console.add_to(services),
            None => services,
        }
    }

    /// Programs that may call for their users: those with the scope of revocations.
    fn forwarders(&self) -> Forwarders {
        Forwarders::new(
            self.guard.clone(),
            service_accounts::REVOCATIONS,
            limits::PROGRAMS,
        )
    }

    /// How long a token can be valid.
    fn token_life(&self) -> TimeDelta {
        delta(self.config.access_token_ttl + self.config.token_leeway)
    }

    /// Without mail no e-mail can be verified.
    fn expiry(&self, db: &Pool, sends_mail: bool) -> Option<Expiry> {
        let after = self.config.unverified_account;
        (sends_mail && !after.is_zero()).then(|| Expiry {
            after: delta(after),
            throttle: wings::throttle(self, db),
        })
    }
}

fn server_info(config: &Config) -> ServerInfo {
    ServerInfo {
        issuer: config.issuer.clone(),
        // Filled in for each call, because the signing keys change.
        signing_algorithms: Vec::new(),
        algorithms: Vec::new(),
        access_token_ttl: config.access_token_ttl.try_into().ok(),
        refresh_idle_ttl: config.refresh_idle_ttl.try_into().ok(),
        refresh_absolute_ttl: config.refresh_absolute_ttl.try_into().ok(),
        password_min_length: i32::try_from(Password::CHARS_MIN).unwrap_or(i32::MAX),
        email_verification_required: config.email_verification_required,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
