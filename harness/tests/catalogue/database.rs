//! Databases for these tests.

use std::time::Duration;

use chassis::database;
use chassis::settings::config::{DatabaseConfig, RolePasswords};
use embedded_postgres::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

/// The settings for a database at this URL.
pub(crate) fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        database_url: url.into(),
        database_password_file: None,
        database_connections: 4,
        database_acquire: Duration::from_secs(10),
        database_statement: Duration::from_secs(30),
        database_start: Duration::from_secs(30),
    }
}

/// A database on which every migration ran.
pub(crate) async fn migrated() -> TestDatabase {
    let migrate = async |options: PgConnectOptions| {
        let url = options.to_url_lossy().to_string();
        database::migrate(&config(url), &RolePasswords::default()).await
    };
    TestDatabase::create("migrated", migrate).await.unwrap()
}

/// A database with nothing in it.
pub(crate) async fn empty() -> TestDatabase {
    let nothing = async |_| Ok::<_, sqlx::Error>(());
    TestDatabase::create("empty", nothing).await.unwrap()
}

/// A connection as this role.
pub(crate) async fn connect(database: &TestDatabase, role: &str) -> PgConnection {
    database.connect_options(role).connect().await.unwrap()
}

/// The first column of every row.
pub(crate) async fn texts(db: &mut PgConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(db).await.unwrap()
}
