//! A pool to test.

use std::time::Duration;

use chassis::database::pool::Pool;
use embedded_postgres::TestDatabase;
use sqlx::ConnectOptions;
use tokio::time::{Instant, sleep};

pub(crate) const WAIT: Duration = Duration::from_millis(500);

/// A database with one empty table.
pub(crate) async fn database() -> TestDatabase {
    let database = TestDatabase::create("pool", async |options| {
        let mut db = options.connect().await?;
        sqlx::query("CREATE TABLE rows (n int PRIMARY KEY)")
            .execute(&mut db)
            .await?;
        Ok::<_, sqlx::Error>(())
    })
    .await;
    database.unwrap()
}

/// A database with one empty table, and a pool of `size` connections to it.
pub(crate) async fn pool(size: u32) -> (TestDatabase, Pool) {
    let database = database().await;
    let pool = Pool::new(database.admin(), size, WAIT);
    (database, pool)
}

/// The server process of the next connection.
pub(crate) async fn backend(pool: &Pool) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(pool)
        .await
        .unwrap()
}

pub(crate) async fn rows(pool: &Pool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM rows")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Polls until it is true, for ten seconds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
