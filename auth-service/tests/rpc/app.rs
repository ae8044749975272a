//! A running service with its own database, and what tests do with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auth_service::config::Config;
use chassis::clock::Clock;
use chassis::settings::keyring::{KeyRing, generate_line};
use chassis::settings::secret_file;
use chassis::start::cli::{Cli, Command};
use embedded_postgres::TestDatabase;
use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{
    GetMeRequest, ListSessionsRequest, LogInRequest, LogOutRequest, RefreshTokenRequest,
    RefreshTokenResponse, Session, SignUpRequest, TokenPair, User,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, PgTransaction};
use tempfile::TempDir;
use testing::{migrated, replicas, serve, to_any_of};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

pub(crate) use testing::{bearer, endpoint, fields, in_time, reason, refusal};

/// A password that passes the policy.
pub(crate) const PASSWORD: &str = "harbour-lantern-48";
/// Another.
pub(crate) const OTHER_PASSWORD: &str = "copper-meadow-1931";
/// The start time of every test, in seconds since the epoch.
pub(crate) const START: i64 = 1_800_000_000;

/// One or more running services on one database and one key file.
pub(crate) struct App {
    pub(crate) auth: AuthServiceClient<Channel>,
    pub(crate) account: AccountServiceClient<Channel>,
    /// For further clients.
    pub(crate) channel: Channel,
    /// The key file of the first service.
    pub(crate) address: String,
    /// As superuser.
    pub(crate) db: PgPool,
    pub(crate) database: TestDatabase,
    clock: Arc<AtomicI64>,
    keys: Arc<TempDir>,
    _services: JoinSet<()>,
}

impl App {
    /// With a very cheap password hash.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        Self::start_some(flags, replicas()).await
    }

    /// A single service, regardless of `REPLICAS`, for tests of a replica's own state:
    /// the keys that it read, how busy it is.
    pub(crate) async fn alone(flags: &[&str]) -> Self {
        Self::start_some(flags, 1).await
    }

    async fn start_some(flags: &[&str], count: usize) -> Self {
        let database = migrated().await;
        let keys = tempfile::tempdir().unwrap();
        secret_file::write(&keys.path().join("keys"), &generate_line(1).unwrap()).unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        Self::run(database, Arc::new(keys), clock, flags, count).await
    }

    /// Another service with the same database, keys and clock.
    pub(crate) async fn replica(&self) -> Self {
        self.replica_with(&[]).await
    }

    /// Like `replica`, with more flags.
    pub(crate) async fn replica_with(&self, flags: &[&str]) -> Self {
        let (keys, clock) = (Arc::clone(&self.keys), Arc::clone(&self.clock));
        Self::run(self.database.clone(), keys, clock, flags, 1).await
    }

    async fn run(
        database: TestDatabase,
        keys: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        flags: &[&str],
        count: usize,
    ) -> Self {
        let (mut services, mut endpoints) = (JoinSet::new(), Vec::new());
        for _ in 0..count {
            let config = config(&database, &keys.path().join("keys"), flags);
            let time = Clock::Manual(Arc::clone(&clock));
            let spawn = |listener| {
                services.spawn(async move {
                    let never = std::future::pending();
                    auth_service::run(config, time, listener, never)
                        .await
                        .unwrap();
                });
            };
            endpoints.push(serve(spawn).await);
        }
        let channel = to_any_of(&endpoints).await;
        Self {
            auth: AuthServiceClient::new(channel.clone()),
            account: AccountServiceClient::new(channel.clone()),
            channel,
            address: endpoints[0].uri().authority().unwrap().to_string(),
            db: admin(&database).await,
            database,
            clock,
            keys,
            _services: services,
        }
    }

    /// The service's clock.
    pub(crate) fn clock(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.clock))
    }

    /// The service's key file.
    pub(crate) fn ring(&self) -> KeyRing {
        KeyRing::read(&self.keys.path().join("keys")).unwrap()
    }

    /// Adds a line to the key file, for replicas that start from now on.
    pub(crate) fn add_key(&self, line: &str) {
        let file = self.keys.path().join("keys");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{before}\n{line}")).unwrap();
    }

    /// Advances the service's clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) async fn sign_up(&self, email: &str) -> Result<User, Status> {
        self.sign_up_as(&new_account(email)).await
    }

    pub(crate) async fn sign_up_as(&self, request: &SignUpRequest) -> Result<User, Status> {
        let response = self.auth.clone().sign_up(request.clone()).await?;
        Ok(response.into_inner().user.unwrap())
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Result<TokenPair, Status> {
        self.log_in_for(email, password, &[]).await
    }

    /// Logs in with these scopes.
    pub(crate) async fn log_in_for(
        &self,
        email: &str,
        password: &str,
        scopes: &[&str],
    ) -> Result<TokenPair, Status> {
        let request = LogInRequest {
            email: email.into(),
            password: password.into(),
            client_label: "test".into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..LogInRequest::default()
        };
        let response = self.auth.clone().log_in(request).await?.into_inner();
        match response.result.unwrap() {
            LogInResult::Tokens(tokens) => Ok(tokens),
            LogInResult::MfaChallenge(_) => unreachable!("the account has a second factor"),
        }
    }

    /// Creates an account and logs in.
    pub(crate) async fn user(&self, email: &str) -> TokenPair {
        self.sign_up(email).await.unwrap();
        self.log_in(email, PASSWORD).await.unwrap()
    }

    /// Creates an account with a verified e-mail, and logs in.
    pub(crate) async fn confirmed(&self, email: &str) -> TokenPair {
        let tokens = self.user(email).await;
        self.confirm_email(email).await;
        tokens
    }

    /// Verifies the e-mail, as the owner of the mailbox does.
    pub(crate) async fn confirm_email(&self, email: &str) {
        let sql = "UPDATE auth.users SET email_verified = true WHERE email = $1";
        let query = sqlx::query(sql).bind(email);
        query.execute(&self.db).await.unwrap();
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<RefreshTokenResponse, Status> {
        self.refresh_as(token, "").await
    }

    pub(crate) async fn refresh_as(
        &self,
        token: &str,
        request_id: &str,
    ) -> Result<RefreshTokenResponse, Status> {
        let request = RefreshTokenRequest {
            refresh_token: token.into(),
            request_id: request_id.into(),
            ..RefreshTokenRequest::default()
        };
        Ok(self.auth.clone().refresh_token(request).await?.into_inner())
    }

    pub(crate) async fn log_out(&self, token: &str) -> Result<(), Status> {
        let request = LogOutRequest {
            refresh_token: token.into(),
        };
        self.auth.clone().log_out(request).await?;
        Ok(())
    }

    pub(crate) async fn get_me(&self, access_token: &str) -> Result<User, Status> {
        let request = bearer(GetMeRequest {}, access_token);
        let response = self.account.clone().get_me(request).await?;
        Ok(response.into_inner().user.unwrap())
    }

    pub(crate) async fn sessions(&self, access_token: &str) -> Vec<Session> {
        let request = bearer(ListSessionsRequest::default(), access_token);
        let response = self.account.clone().list_sessions(request).await.unwrap();
        response.into_inner().sessions
    }

    /// The kinds of the users' audit events, the oldest first.
    pub(crate) async fn audit(&self) -> Vec<String> {
        let sql = "SELECT kind FROM auth.audit_events
                   WHERE kind NOT LIKE 'signing_key_%' ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&self.db).await.unwrap()
    }

    /// The kinds of the signing keys' audit events, the oldest first.
    pub(crate) async fn key_audit(&self) -> Vec<String> {
        let sql = "SELECT kind FROM auth.audit_events WHERE user_id = $1 ORDER BY id";
        let query = sqlx::query_scalar(sql).bind(Uuid::nil());
        query.fetch_all(&self.db).await.unwrap()
    }

    /// Runs SQL as superuser.
    pub(crate) async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db).await.unwrap();
    }

    /// A transaction as superuser that has run this SQL and holds its locks.
    pub(crate) async fn begin_with(&self, sql: &'static str) -> PgTransaction<'static> {
        let mut tx = self.db.begin().await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx
    }

    /// Returns when this many statements of the service wait for a lock.
    pub(crate) async fn waiting_for_a_lock(&self, count: i64) {
        testing::waiting_for_a_lock(&self.database, count).await;
    }
}

/// The configuration of a test: a password hash is very cheap, unless `flags` change
/// that.
fn config(database: &TestDatabase, keys: &Path, flags: &[&str]) -> Config {
    let (url, keys) = (database.url("auth_service"), keys.display().to_string());
    let name = |flag: &str| flag.split('=').next().map(str::to_owned);
    let cheap = [
        "--argon2-memory-kib=64",
        "--argon2-iterations=1",
        "--database-connections=8",
        // All clients have one address.
        "--rate-limits=off",
    ];
    let cheap = cheap
        .into_iter()
        .filter(|ours| flags.iter().all(|flag| name(flag) != name(ours)));
    let args = [
        "auth-service",
        "serve",
        "--database-url",
        &url,
        "--secret-keys-file",
        &keys,
    ];
    let args = args.into_iter().chain(cheap).chain(flags.iter().copied());
    match Cli::read(args.map(Into::into)).unwrap().command {
        Command::Serve(config) => *config,
        _ => unreachable!("the arguments say serve"),
    }
}

pub(crate) async fn admin(database: &TestDatabase) -> PgPool {
    let options = PgPoolOptions::new().max_connections(2);
    options.connect_with(database.admin()).await.unwrap()
}

pub(crate) fn new_account(email: &str) -> SignUpRequest {
    SignUpRequest {
        email: email.into(),
        password: PASSWORD.into(),
        display_name: "Ada Lovelace".into(),
        request_id: String::new(),
    }
}
