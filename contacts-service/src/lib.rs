//! The contacts service: every owner's address book.

pub mod birthday;
pub mod book;
pub mod config;
pub mod contact;
pub mod copies;
pub mod duplicates;
pub mod error;
pub mod export;
pub mod gone_owners;
pub mod import;
pub mod limits;
pub mod long_calls;
pub mod model;
mod opening;
pub mod pace;
pub mod photo;
pub mod purge;
pub mod rebuild;
pub mod search;
pub mod service;
pub mod slots;
pub mod store;
pub mod sync;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use chassis::access::caller::RequireCaller;
use chassis::access::client_address::TrustedProxies;
use chassis::access::rate_limits::{NoSuchGroup, RateLimits};
use chassis::access::revocations::Revocations;
use chassis::access::token::{KeySet, TokenRules, Verifier};
use chassis::auth_client::deletion_feed::DeletionFeed;
use chassis::auth_client::identity::Identities;
use chassis::auth_client::key_feed;
use chassis::auth_client::program::Credentials;
use chassis::auth_client::revocation_feed;
use chassis::auth_client::upstream::{ClientFiles, Upstream, UpstreamError};
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::database::{Database, DbError};
use chassis::limited;
use chassis::metrics::Metrics;
use chassis::page_token::Sealer;
use chassis::serve::{ServeError, Server, Services, Socket};
use chassis::settings::keyring::{KeyRing, KeyRingError};
use chassis::settings::secret_file::{self, SecretFileError};
use chassis::start::lag::{Lag, PURGE_LAG};
use proto::contacts::server::contacts_service_server::ContactsServiceServer;
use proto::contacts::server::labels_service_server::LabelsServiceServer;
use proto::contacts::server::shares_service_server::SharesServiceServer;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;

use crate::config::{Config, WatchListen};
use crate::copies::Copies;
use crate::long_calls::LongCalls;
use crate::model::quota::Quota;
use crate::service::ContactsService;
use crate::slots::Slots;
use crate::store::point_reads::PointReads;
use crate::watch::hub::Hub;
use crate::watch::{hints, poll};

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The secret keys cannot be used.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The auth service cannot be called.
    #[error("cannot call the auth service: {0}")]
    Auth(#[from] UpstreamError),
    /// The secret for the auth service cannot be used.
    #[error(transparent)]
    AuthSecret(#[from] SecretFileError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The thread for long calls cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The limits on calls cannot be used.
    #[error(transparent)]
    RateLimits(#[from] NoSuchGroup),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The largest request, in bytes: a batch of 500 contacts of 8 KiB.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The credentials of this service at the auth service.
const CLIENT_ID: &str = "contacts-service";

/// The health state that reports whether revocations are received, in either mode.
const REVOCATIONS: &str = "addressbook.revocations";

/// Settings of each connection.
pub const DATABASE_SETTINGS: [(&str, &str); 4] = [
    // Each statement has one good plan, and planning it for each limit costs more than
    // running it.
    ("plan_cache_mode", "force_generic_plan"),
    // Every statement has an index that it can use.
    ("enable_seqscan", "off"),
    // A list is read in the order of its index, up to the end of the page. Without
    // statistics, as in the first minute of a database, the planner would prefer to read
    // and sort a whole book. Sorts that no index can replace still work.
    ("enable_sort", "off"),
    ("jit", "off"),
];

/// Runs the service on this socket until `shutdown` completes.
pub async fn run(
    config: Config,
    clock: Clock,
    socket: impl Into<Socket>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let limits = RateLimits::new(&limits::GROUPS, &config.server.rate_limits)?;
    let ring = KeyRing::read(&config.secret_keys_file)?;
    let auth = auth(&config)?;
    let credentials = credentials(&config)?;
    let identities = identities(&config, &auth, credentials.clone());
    let database = Database::new(&config.database, &DATABASE_SETTINGS)?;
    let keys = KeySet::default();
    let mut chores = JoinSet::new();
    chores.spawn(key_feed::follow(auth.clone(), keys.clone()));
    // Revocations expire by this clock.
    let clock = clock.of_database();
    database.ensure_usable(&clock).await?;
    let quota = quota(&config);
    let wait_max = opening::wait_max(&config);
    let from_auth = follow_auth(&config, auth, credentials, &keys, &clock, &mut chores);
    let verifier = Verifier::new(&rules(&config), keys.clone(), clock.clone());

    // One cache of verified tokens for all threads.
    let mut guard = RequireCaller::new(Arc::new(verifier));
    let sealer = Arc::new(Sealer::new(&ring));
    let (background, leeway) = (database.background(), config.token_leeway);
    let metrics = metrics(&database, &clock, &keys);
    maintain(&background, &clock, leeway, &metrics, &mut chores);
    let hub = start_hub(config.watch_listen, &database, &mut chores);

    let long_calls = LongCalls::start(&database).map_err(RunError::Thread)?;
    let copies = start_copies(&config, &metrics, &long_calls);
    let mut first = vec![keys.loaded()];
    let mut server = Server::new(config.server)
        .needs(database.watch(&clock, leeway))
        .needs(keys.loaded())
        .limits(limits);
    if let Some(feeds) = from_auth {
        let (revocations, deletions) = (feeds.revocations, feeds.deletions);
        revocations.publish(&metrics);
        first.push(revocations.are_heard());
        server = server
            .needs(revocations.ready())
            .reports(REVOCATIONS, revocations.are_heard());
        let (copies, known) = (Arc::clone(&copies), Arc::clone(&revocations));
        let lag = Lag::new(&metrics, "deleted_users_lag_seconds");
        chores.spawn(gone_owners::follow(
            background, copies, deletions, known, lag,
        ));
        guard = guard.without(revocations);
    }
    let server = server.listens_after(opening::auth_loaded(first, wait_max));
    let ([imports, exports], [finds, photo_checks]) = (slots(), places());
    let add = move |services: Services| {
        let db = database.calls();
        let service = Arc::new(ContactsService {
            reads: PointReads::start(&db),
            db,
            clock: clock.clone(),
            sealer: Arc::clone(&sealer),
            quota,
            finds: Arc::clone(&finds),
            photo_checks: Arc::clone(&photo_checks),
            copies: Arc::clone(&copies),
            long_calls: long_calls.clone(),
            identities: identities.clone(),
            hub: Arc::clone(&hub),
            imports: Arc::clone(&imports),
            exports: Arc::clone(&exports),
            guard: guard.clone(),
            stopping: services.stopping(),
        });
        mounted(services, service, &guard)
    };
    let ended = server.metrics(metrics).run(socket, shutdown, add).await;
    // Background work stops when this function ends.
    chores.shutdown().await;
    Ok(ended?)
}

fn metrics(database: &Database, clock: &Clock, keys: &KeySet) -> Metrics {
    let metrics = Metrics::default();
    database.publish(&metrics, clock);
    keys.publish(&metrics);
    metrics
}

/// Returns the caller's e-mail.
fn identities(config: &Config, auth: &Upstream, credentials: Option<Credentials>) -> Identities {
    let proxies = TrustedProxies::new(config.server.trusted_proxies.clone());
    Identities::new(auth, credentials, proxies)
}

fn start_copies(config: &Config, metrics: &Metrics, long_calls: &LongCalls) -> Arc<Copies> {
    let copies = Copies::new(config.search_memory(), Some(long_calls.clone()));
    copies.publish(metrics);
    copies
}

/// The permits of searches for duplicates, and of checks of photos.
fn places() -> [Arc<Semaphore>; 2] {
    [duplicates::AT_A_TIME, photo::AT_A_TIME].map(|places| Arc::new(Semaphore::new(places)))
}

/// The places of imports and exports, which all threads share.
fn slots() -> [Arc<Slots>; 2] {
    let imports = Slots::new(import::OF_USER, import::AT_A_TIME);
    let exports = Slots::new(export::OF_USER, export::AT_A_TIME);
    [imports, exports].map(Arc::new)
}

/// The verifier of tokens.
fn rules(config: &Config) -> TokenRules {
    TokenRules {
        issuer: config.issuer.clone(),
        audiences: vec![config.audience.clone()],
        leeway: config.token_leeway,
    }
}

/// The quota of an owner.
fn quota(config: &Config) -> Quota {
    Quota {
        contacts: config.contact_quota,
        bytes: config.contact_bytes_quota,
    }
}

/// Adds this service's RPCs, protected by `guard`.
fn mounted(services: Services, service: Arc<ContactsService>, guard: &RequireCaller) -> Services {
    let contacts = ContactsServiceServer::from_arc(Arc::clone(&service));
    let contacts = limited!(contacts, REQUEST_BYTES_MAX);
    let labels = LabelsServiceServer::from_arc(Arc::clone(&service));
    let labels = limited!(labels, REQUEST_BYTES_MAX);
    let shares = SharesServiceServer::from_arc(service);
    let shares = limited!(shares, REQUEST_BYTES_MAX);
    services
        .translated_up_to(REQUEST_BYTES_MAX)
        .with(InterceptedService::new(contacts, guard.clone()))
        .with(InterceptedService::new(labels, guard.clone()))
        .with(InterceptedService::new(shares, guard.clone()))
}

fn auth(config: &Config) -> Result<Upstream, UpstreamError> {
    let certificate = config.auth_client_cert_file.clone();
    let files = ClientFiles {
        ca: config.auth_ca_file.clone(),
        identity: certificate.zip(config.auth_client_key_file.clone()),
    };
    Upstream::new(&config.auth_url, files, config.server.allow_plaintext)
}

/// Deletes what has expired, and makes outdated keys again.
fn maintain(
    db: &Pool,
    clock: &Clock,
    leeway: Duration,
    metrics: &Metrics,
    chores: &mut JoinSet<()>,
) {
    let lag = Lag::new(metrics, PURGE_LAG);
    chores.spawn(purge::forever(db.clone(), clock.clone(), leeway, lag));
    chores.spawn(rebuild::forever(db.clone(), clock.clone()));
}

/// Wakes those who watch contacts.
fn start_hub(listen: WatchListen, database: &Database, chores: &mut JoinSet<()>) -> Arc<Hub> {
    let listens = listen == WatchListen::On;
    let hub = Arc::new(Hub::new(listens));
    let db = database.background();
    chores.spawn(poll::forever(db.clone(), Arc::clone(&hub)));
    if listens {
        let hub = Arc::clone(&hub);
        chores.spawn(hints::forever(db, database.listening(), hub));
    }
    hub
}

/// The data that the auth service sends to this service.
struct AuthFeeds {
    revocations: Arc<Revocations>,
    deletions: DeletionFeed,
}

/// The credentials at the auth service, if configured.
fn credentials(config: &Config) -> Result<Option<Credentials>, SecretFileError> {
    let file = config.auth_secret_file.as_deref();
    let secret = file.map(secret_file::read).transpose()?;
    Ok(secret.map(|secret| Credentials {
        client_id: CLIENT_ID.to_owned(),
        secret,
    }))
}

/// Subscribes to revocations and deleted users, if the auth service has credentials for
/// this one.
fn follow_auth(
    config: &Config,
    auth: Upstream,
    credentials: Option<Credentials>,
    keys: &KeySet,
    clock: &Clock,
    chores: &mut JoinSet<()>,
) -> Option<AuthFeeds> {
    let credentials = credentials?;
    let (mode, silence_max) = (config.revocation_mode, config.revocation_silence);
    let revocations = Arc::new(Revocations::new(mode, silence_max));
    let (known, keys, clock) = (Arc::clone(&revocations), keys.clone(), clock.clone());
    let deletions = DeletionFeed::new(&auth, credentials.clone());
    chores.spawn(revocation_feed::follow(
        auth,
        credentials,
        known,
        keys,
        clock,
    ));
    let waiting = Arc::clone(&revocations);
    chores.spawn(async move { waiting.wait().await });
    Some(AuthFeeds {
        revocations,
        deletions,
    })
}
