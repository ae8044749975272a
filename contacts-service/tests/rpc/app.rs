//! A running contacts service with a database, a key file and an issuer of its
//! own.

use std::io::Write;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::settings::keyring::generate_line;
use chassis::start::cli::{Cli, Command};
use contacts_service::config::Config;
use embedded_postgres::TestDatabase;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::NamedTempFile;
use testing::{migrated, replicas, serve, setting, to_any_of};
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::issuer::Issuer;
use crate::owner::Owner;
use crate::teller::SECRET;

pub use testing::{in_time, until_serving};

/// Both scopes, as in a user's token.
pub const BOTH_SCOPES: &str = "contacts.read contacts.write";

pub struct App {
    pub issuer: Issuer,
    /// The channel to the instance, or to either of two.
    pub channel: Channel,
    database: TestDatabase,
    keys: NamedTempFile,
    clock: Clock,
    limits: &'static str,
    /// Flags in addition to those of every test.
    flags: Vec<String>,
    /// The file of one of the flags.
    secret: Option<NamedTempFile>,
    /// Prepared owners of shared address books, and their editors.
    shared: Mutex<Vec<(Uuid, Uuid)>>,
}

impl App {
    /// With the system's clock, and room for many contacts.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With revocations and deleted users from the auth service.
    pub async fn told() -> Self {
        let secret = NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), SECRET).unwrap();
        let flag = format!("--auth-secret-file={}", secret.path().display());
        let mut app = Self::with(&[&flag]).await;
        app.secret = Some(secret);
        app
    }

    /// With room for few contacts.
    pub async fn with_quota(quota: i64) -> Self {
        Self::with(&["--contact-quota", &quota.to_string()]).await
    }

    /// With these flags.
    pub async fn with(flags: &[&str]) -> Self {
        Self::start_with(Clock::System, flags, replicas()).await
    }

    /// A single instance, regardless of `REPLICAS`, for what each instance counts
    /// separately.
    pub async fn alone() -> Self {
        Self::start_with(Clock::System, &[], 1).await
    }

    /// With a clock that the test sets, in seconds since the epoch.
    pub async fn at(seconds: i64) -> (Self, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(seconds));
        let app = Self::start_with(Clock::Manual(Arc::clone(&now)), &[], replicas()).await;
        (app, now)
    }

    /// With these limits on calls.
    pub async fn with_limits(limits: &'static str) -> Self {
        let mut app = Self::start().await;
        app.limits = limits;
        app.channel = app.another_instance().await;
        app
    }

    async fn start_with(clock: Clock, flags: &[&str], count: usize) -> Self {
        let database = migrated().await;
        let issuer = Issuer::start().await;
        let mut keys = NamedTempFile::new().unwrap();
        writeln!(keys, "{}", *generate_line(1).unwrap()).unwrap();
        let mut app = Self {
            issuer,
            channel: Endpoint::from_static("http://127.0.0.1:1").connect_lazy(),
            database,
            keys,
            clock,
            limits: "off",
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            secret: None,
            shared: Mutex::default(),
        };
        if setting("SHARED").is_some() {
            app.share().await;
        }
        let mut endpoints = Vec::new();
        for _ in 0..count {
            endpoints.push(app.instance(std::future::pending()).await);
        }
        app.channel = to_any_of(&endpoints).await;
        app
    }

    /// Starts another service on the same database, and waits until it serves.
    pub async fn another_instance(&self) -> Channel {
        self.instance_until(std::future::pending()).await
    }

    /// Another service, with these flags instead of the test's.
    pub async fn another_instance_with(&mut self, flags: &[&str]) -> Channel {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let own = std::mem::replace(&mut self.flags, flags);
        let channel = self.another_instance().await;
        self.flags = own;
        channel
    }

    /// A user of an instance without revocations, which accepts the user's calls.
    pub async fn calls_past_revocations(&mut self, user: Uuid) -> Owner {
        let untold = self.another_instance_with(&[]).await;
        self.owner_on(untold, user)
    }

    /// The same, until `stop` completes.
    pub async fn instance_until(&self, stop: impl Future<Output = ()> + Send + 'static) -> Channel {
        to_any_of(&[self.instance(stop).await]).await
    }

    /// Another service, with a connection that accepts this many unread bytes of a
    /// stream.
    pub async fn another_instance_with_window(&self, bytes: u32) -> Channel {
        let endpoint = self.instance(std::future::pending()).await;
        to_any_of(&[endpoint.initial_stream_window_size(bytes)]).await
    }

    async fn instance(&self, stop: impl Future<Output = ()> + Send + 'static) -> Endpoint {
        let (config, clock) = (self.config(), self.clock.clone());
        serve(|listener| {
            tokio::spawn(contacts_service::run(config, clock, listener, stop));
        })
        .await
    }

    /// The settings of an instance.
    pub fn config(&self) -> Config {
        let args = [
            "contacts-service",
            "--auth-url",
            &self.issuer.url,
            "--secret-keys-file",
            self.keys.path().to_str().unwrap(),
            "--database-url",
            &self.database.url("contacts_service"),
            "--rate-limits",
            self.limits,
            "--database-connections",
            "5",
            "--database-acquire-seconds",
            "10",
            "--request-timeout-seconds",
            "30",
        ];
        let args = args
            .iter()
            .copied()
            .chain(self.flags.iter().map(String::as_str));
        match Cli::<Config>::read(args.map(Into::into)).unwrap().command {
            Command::Serve(config) => *config,
            other => panic!("{other:?} does not serve"),
        }
    }

    /// A new user; with `SHARED=1`, an editor of a shared address book, which must behave
    /// like the user's own.
    pub fn owner(&self) -> Owner {
        let shared = self.shared.lock().unwrap().pop();
        let Some((user, editor)) = shared else {
            return self.plain_owner();
        };
        Owner {
            book: user.to_string(),
            own_token: self.issuer.token(user, BOTH_SCOPES),
            ..Owner::new(
                self.channel.clone(),
                user,
                &self.issuer.token(editor, BOTH_SCOPES),
            )
        }
    }

    /// A new user, regardless of `SHARED`.
    pub fn plain_owner(&self) -> Owner {
        let user = Uuid::now_v7();
        self.issuer.accounts.set_email(user, &email_of(user), true);
        self.owner_on(self.channel.clone(), user)
    }

    /// Shares address books of future users with editors.
    async fn share(&mut self) {
        let users = (0..8).map(|_| (Uuid::now_v7(), Uuid::now_v7()));
        let users: Vec<_> = users.collect();
        let (owners, editors): (Vec<_>, Vec<_>) = users.iter().copied().unzip();
        sqlx::query(
            "INSERT INTO contacts.shares (owner_id, id, owner_email, recipient_email,
                 recipient_id, is_editor, version, create_time, update_time, accept_time)
             SELECT owner, gen_random_uuid(), '', '', editor, true, 0, now(), now(), now()
             FROM unnest($1::uuid[], $2::uuid[]) AS pair (owner, editor)",
        )
        .bind(owners)
        .bind(editors)
        .execute(&mut self.admin().await)
        .await
        .unwrap();
        self.shared = Mutex::new(users);
    }

    /// A user that calls through this channel.
    pub fn owner_on(&self, channel: Channel, user: Uuid) -> Owner {
        Owner::new(channel, user, &self.issuer.token(user, BOTH_SCOPES))
    }

    /// Connections to the database as the service has them.
    pub fn pool(&self) -> Pool {
        let options = self.database.connect_options("contacts_service");
        Pool::new(options, 2, Duration::from_secs(10))
    }

    /// The bytes of the owner's contacts, from the owner's row.
    pub async fn byte_count(&self, owner: &Owner) -> i64 {
        let sql = "SELECT byte_count FROM contacts.owner_state WHERE owner_id = $1";
        let count = sqlx::query_scalar(sql).bind(owner.user);
        count.fetch_one(&mut self.admin().await).await.unwrap()
    }

    /// How often the owner's contacts were written.
    pub async fn version(&self, owner: &Owner) -> i64 {
        let sql = "SELECT version FROM contacts.owner_state WHERE owner_id = $1";
        let version = sqlx::query_scalar(sql).bind(owner.user);
        version.fetch_one(&mut self.admin().await).await.unwrap()
    }

    /// Returns when this many statements wait for a lock.
    pub async fn waiting_for_a_lock(&self, count: i64) {
        testing::waiting_for_a_lock(&self.database, count).await;
    }

    /// How many statements wait for a lock.
    pub async fn waiting(&self) -> i64 {
        testing::waiting(&self.database).await
    }

    /// A connection to the database as superuser.
    pub async fn admin(&self) -> PgConnection {
        self.database.admin().connect().await.unwrap()
    }
}

/// The address of a user.
pub fn email_of(user: Uuid) -> String {
    format!("{user}@example.com")
}

/// How many rows of the table belong to the user.
pub async fn rows(app: &App, table: &'static str, user: Uuid) -> i64 {
    let mut db = app.admin().await;
    let sql = match table {
        "labels" => "SELECT count(*) FROM contacts.labels WHERE owner_id = $1",
        "contacts" => "SELECT count(*) FROM contacts.contacts WHERE owner_id = $1",
        "merges" => "SELECT count(*) FROM contacts.merges WHERE owner_id = $1",
        "ignored_duplicates" => {
            "SELECT count(*) FROM contacts.ignored_duplicates WHERE owner_id = $1"
        }
        "photos" => "SELECT count(*) FROM contacts.photos WHERE owner_id = $1",
        "photo_uses" => "SELECT count(*) FROM contacts.photo_uses WHERE owner_id = $1",
        "revisions" => "SELECT count(*) FROM contacts.revisions WHERE owner_id = $1",
        "tombstones" => "SELECT count(*) FROM contacts.tombstones WHERE owner_id = $1",
        "requests" => "SELECT count(*) FROM contacts.requests WHERE owner_id = $1",
        "owner_state" => "SELECT count(*) FROM contacts.owner_state WHERE owner_id = $1",
        _ => panic!("no table {table}"),
    };
    let count = sqlx::query_scalar(sql).bind(user).fetch_one(&mut db).await;
    db.close().await.unwrap();
    count.unwrap()
}

/// All rows of the tables about the user's contacts.
pub async fn book(app: &App, user: Uuid) -> Vec<String> {
    let sql = "SELECT o::text FROM contacts.owner_state AS o WHERE owner_id = $1
               UNION ALL SELECT c::text FROM contacts.contacts AS c WHERE owner_id = $1
               UNION ALL SELECT l::text FROM contacts.labels AS l WHERE owner_id = $1
               UNION ALL SELECT r::text FROM contacts.revisions AS r WHERE owner_id = $1
               UNION ALL SELECT m::text FROM contacts.merges AS m WHERE owner_id = $1
               UNION ALL SELECT p::text FROM contacts.photos AS p WHERE owner_id = $1
               UNION ALL SELECT u::text FROM contacts.photo_uses AS u WHERE owner_id = $1
               UNION ALL SELECT s::text FROM contacts.shares AS s WHERE owner_id = $1
               ORDER BY 1";
    let lines = sqlx::query_scalar(sql).bind(user);
    lines.fetch_all(&mut app.admin().await).await.unwrap()
}
