//! The auth service: accounts, sessions, and the tokens that stand for them.

pub mod accounts;
pub mod audit;
pub mod common_passwords;
pub mod config;
pub mod email;
pub mod error;
pub mod hasher;
pub mod log_in;
pub mod password;
pub mod phc;
pub mod purge;
pub mod refresh;
pub mod refresh_token;
pub mod service;
pub mod sessions;
pub mod sign_up;
pub mod signer;
pub mod signing_keys;
pub mod store;
pub mod throttle;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use chassis::caller::RequireCaller;
use chassis::client_address::TrustedProxies;
use chassis::clock::Clock;
use chassis::db::{self, Database};
use chassis::keyring::{KeyRing, KeyRingError};
use chassis::page_token::Sealer;
use chassis::server::{ServeError, Server, Services};
use chassis::token::{KeySet, TokenRules, Verifier};
use proto::auth::server::account_service_server::AccountServiceServer;
use proto::auth::server::auth_service_server::AuthServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::hasher::{Capacity, Hasher, StartHasherError};
use crate::password::Password;
use crate::phc::{HashError, Recipe};
use crate::refresh_token::Codec;
use crate::service::{AccountService, AuthService, Jwks, ServerInfo};
use crate::sessions::{Sessions, TokenSettings, delta};
use crate::signing_keys::{SigningKeys, SigningKeysError};
use crate::throttle::Throttle;

/// The largest request, in bytes: the largest honest one, a password twice, has
/// a few thousand.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The secret keys are of no use.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The database is of no use.
    #[error(transparent)]
    Database(#[from] db::DbError),
    /// argon2's parameters do not go together.
    #[error("the ARGON2 settings do not go together: {0}")]
    Recipe(HashError),
    /// The hasher does not start.
    #[error(transparent)]
    Hasher(#[from] StartHasherError),
    /// There is nothing to sign with.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeysError),
    /// The keys cannot be published.
    #[error("cannot publish the signing keys")]
    Jwks(#[from] serde_json::Error),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Runs the service on an already bound socket until `shutdown` completes.
pub async fn run(
    config: Config,
    clock: Clock,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let ring = KeyRing::read(&config.secret_keys_file)?;
    let database = Database::new(&config.database, &[])?;
    database.ensure_migrated().await?;
    let background = database.background();
    let keys = SigningKeys::load(&background, &ring, config.signing_algorithm, clock.now()).await?;
    let jwks = Jwks::new(&keys.published)?;
    let info = server_info(&config, &keys);
    let guard = RequireCaller::new(Arc::new(verifier(&config, &keys, &clock)));
    let hasher = Arc::new(hasher(&config)?);
    let codec = Arc::new(Codec::new(&ring));
    let signer = Arc::new(keys.signer);
    let sealer = Arc::new(Sealer::new(&ring));
    let mut chores = JoinSet::new();
    chores.spawn(purge::forever(background.clone(), clock.clone()));

    let settings = token_settings(&config);
    let proxies = TrustedProxies::new(config.trusted_proxies.clone());
    let add = move |services: Services| {
        let db = database.calls();
        let throttle = Throttle::new(db.clone(), &ring, config.log_in_address_failures);
        let accounts = Accounts::new(
            db.clone(),
            Arc::clone(&hasher),
            &ring,
            throttle,
            config.sign_up_enabled,
        );
        let accounts = Arc::new(accounts);
        let (codec, signer) = (Arc::clone(&codec), Arc::clone(&signer));
        let sessions = Arc::new(Sessions::new(db, codec, signer, settings.clone()));
        let routes = jwks.routes();
        let auth = AuthServiceServer::new(AuthService {
            accounts: Arc::clone(&accounts),
            sessions: Arc::clone(&sessions),
            jwks: jwks.clone(),
            info: info.clone(),
            proxies: proxies.clone(),
            clock: clock.clone(),
        })
        .max_decoding_message_size(REQUEST_BYTES_MAX);
        let account = AccountServiceServer::new(AccountService {
            accounts,
            sessions,
            sealer: Arc::clone(&sealer),
            proxies: proxies.clone(),
            clock: clock.clone(),
        })
        .max_decoding_message_size(REQUEST_BYTES_MAX);
        let account = InterceptedService::new(account, guard.clone());
        services.with(auth).with(account).with_http(routes)
    };
    let served = Server::new(config.server)
        .needs(db::ping_every_second(background))
        .run(listener, shutdown, add)
        .await;
    // They end with this function, however it ends.
    chores.shutdown().await;
    Ok(served?)
}

fn verifier(config: &Config, keys: &SigningKeys, clock: &Clock) -> Verifier {
    let key_set = KeySet::default();
    key_set.replace(&keys.published);
    let rules = TokenRules {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        leeway: config.token_leeway,
    };
    Verifier::new(&rules, key_set, clock.clone())
}

fn hasher(config: &Config) -> Result<Hasher, RunError> {
    let recipe = Recipe::new(
        config.argon2_memory_kib,
        config.argon2_iterations,
        config.argon2_parallelism,
    )
    .map_err(RunError::Recipe)?;
    // All processors: hashing gives way to the calls that hash nothing.
    let all = || available_parallelism().map_or(1, NonZero::get);
    let capacity = Capacity {
        threads: config.hasher_threads.map_or_else(all, usize::from),
        queue: usize::from(config.hasher_queue),
    };
    Ok(Hasher::start(&recipe, capacity)?)
}

fn token_settings(config: &Config) -> TokenSettings {
    TokenSettings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        access_ttl: delta(config.access_token_ttl),
        idle_ttl: delta(config.refresh_idle_ttl),
        absolute_ttl: delta(config.refresh_absolute_ttl),
        grace: delta(config.refresh_grace),
    }
}

fn server_info(config: &Config, keys: &SigningKeys) -> ServerInfo {
    ServerInfo {
        issuer: config.issuer.clone(),
        signing_algorithms: vec![keys.signer.algorithm().name().to_owned()],
        access_token_ttl: config.access_token_ttl.try_into().ok(),
        refresh_idle_ttl: config.refresh_idle_ttl.try_into().ok(),
        refresh_absolute_ttl: config.refresh_absolute_ttl.try_into().ok(),
        password_min_length: i32::try_from(Password::BYTES_MIN).unwrap_or(i32::MAX),
        email_verification_required: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
