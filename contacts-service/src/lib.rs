//! The contacts service: every owner's address book.

pub mod birthday;
pub mod book;
pub mod config;
pub mod contact;
pub mod error;
pub mod filter;
pub mod order;
pub mod page;
pub mod purge;
pub mod search;
pub mod service;
pub mod store;

use std::sync::Arc;

use chassis::caller::RequireCaller;
use chassis::clock::Clock;
use chassis::keyring::{KeyRing, KeyRingError};
use chassis::page_token::Sealer;
use chassis::server::{MESSAGE_BYTES_MAX, ServeError, Server};
use chassis::token::{KeySet, TokenRules, Verifier};
use chassis::{db, key_feed};
use proto::contacts::v1::contacts_service_server::ContactsServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::codec::CompressionEncoding;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

use crate::config::Config;
use crate::service::ContactsService;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The secret keys are of no use.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The address of the auth service is none.
    #[error("AUTH_URL is not a URL")]
    AuthUrl(#[source] tonic::transport::Error),
    /// The database is of no use.
    #[error(transparent)]
    Database(#[from] db::DbError),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// A fuzzy search asks the index for words that share a third of their trigrams;
/// the ranking looks closer.
const DATABASE_SETTINGS: [(&str, &str); 1] = [("pg_trgm.word_similarity_threshold", "0.3")];

/// Runs the service on an already bound socket until `shutdown` completes.
pub async fn run(
    config: Config,
    clock: Clock,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let ring = KeyRing::read(&config.secret_keys_file)?;
    let auth = Endpoint::from_shared(config.auth_url.clone()).map_err(RunError::AuthUrl)?;
    db::ensure_migrated(&config.database).await?;
    let pool = db::connect(&config.database, &DATABASE_SETTINGS)?;
    let keys = KeySet::default();
    let rules = TokenRules {
        issuer: config.issuer,
        audience: config.audience,
        leeway: config.token_leeway,
    };
    let verifier = Verifier::new(&rules, keys.clone(), clock.clone());

    let contacts = ContactsService {
        db: pool.clone(),
        clock: clock.clone(),
        sealer: Sealer::new(&ring),
        quota: config.contact_quota,
    };
    let contacts = ContactsServiceServer::new(contacts)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .accept_compressed(CompressionEncoding::Gzip);
    let contacts = InterceptedService::new(contacts, RequireCaller::new(Arc::new(verifier)));

    // Ends with this function, however that ends.
    let mut background = JoinSet::new();
    background.spawn(purge::forever(pool.clone(), clock));
    background.spawn(key_feed::follow(auth, keys.clone()));
    let served = Server::new(config.server)
        .service(contacts)
        .needs(db::ping_every_second(pool.clone()))
        .needs(keys.loaded())
        .run(listener, shutdown)
        .await;
    background.shutdown().await;
    pool.close();
    Ok(served?)
}
