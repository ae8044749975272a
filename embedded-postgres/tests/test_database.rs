//! Databases for tests.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::sync::atomic::{AtomicU32, Ordering};

use embedded_postgres::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

static PREPARED: AtomicU32 = AtomicU32::new(0);

async fn notes() -> TestDatabase {
    TestDatabase::create("notes", async |options: PgConnectOptions| {
        PREPARED.fetch_add(1, Ordering::Relaxed);
        let mut db = options.connect().await?;
        sqlx::raw_sql("CREATE TABLE notes (note text NOT NULL)")
            .execute(&mut db)
            .await?;
        sqlx::raw_sql("CREATE ROLE reader LOGIN")
            .execute(&mut db)
            .await?;
        db.close().await
    })
    .await
    .unwrap()
}

async fn add_and_count(options: PgConnectOptions) -> i64 {
    let pool = PgPool::connect_with(options).await.unwrap();
    sqlx::query("INSERT INTO notes VALUES ('x')")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query_scalar("SELECT count(*) FROM notes")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_test_sees_its_own_rows() {
    let one = notes().await;
    let other = notes().await;

    assert_eq!(add_and_count(one.admin()).await, 1);
    assert_eq!(add_and_count(other.admin()).await, 1);
}

#[tokio::test]
async fn the_template_is_prepared_once() {
    let (one, other) = tokio::join!(notes(), notes());

    assert_eq!(add_and_count(one.admin()).await, 1);
    assert_eq!(add_and_count(other.admin()).await, 1);
    assert_eq!(PREPARED.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_url_leads_to_the_same_database_as_another_role() {
    let database = notes().await;

    let mut db = PgConnection::connect(&database.url("reader"))
        .await
        .unwrap();
    let (role, name): (String, String) =
        sqlx::query_as("SELECT current_user::text, current_database()::text")
            .fetch_one(&mut db)
            .await
            .unwrap();

    assert_eq!(role, "reader");
    assert_eq!(Some(name.as_str()), database.admin().get_database());
}
