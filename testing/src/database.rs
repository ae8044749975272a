//! Databases of tests.

use chassis::database::MIGRATOR;
use embedded_postgres::TestDatabase;
use sqlx::ConnectOptions;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::wait::in_time;

/// Creates a database of its own for a test, and runs every migration on it.
pub async fn migrated() -> TestDatabase {
    TestDatabase::create("migrated", migrate).await.unwrap()
}

/// Runs every migration.
pub async fn migrate(options: PgConnectOptions) -> Result<(), MigrateError> {
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await?;
    MIGRATOR.run(&pool).await?;
    pool.close().await;
    Ok(())
}

/// How many statements wait for a lock.
pub async fn waiting(database: &TestDatabase) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut admin = database.admin().connect().await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut admin).await.unwrap()
}

/// Returns when this many statements wait for a lock.
pub async fn waiting_for_a_lock(database: &TestDatabase, at_least: i64) {
    // Boxed, because it is large and many tests await it.
    Box::pin(in_time("nobody waits for the lock", async || {
        (waiting(database).await >= at_least).then_some(())
    }))
    .await;
}
