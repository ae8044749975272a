//! Which connection is used, and how many.

use std::time::Duration;

use sqlx::ConnectOptions;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::pool::{WAIT, backend, pool, rows, until};

#[tokio::test]
async fn a_connection_is_used_again() {
    let (_database, pool) = pool(4).await;

    let first = backend(&pool).await;

    for _ in 0..10 {
        assert_eq!(backend(&pool).await, first);
    }
}

#[tokio::test]
async fn who_finds_no_connection_waits_for_a_bounded_time() {
    let (_database, pool) = pool(1).await;
    let held = pool.begin().await.unwrap();

    let refused = sqlx::query("SELECT 1").execute(&pool).await.unwrap_err();

    assert!(matches!(refused, sqlx::Error::PoolTimedOut), "{refused:?}");
    held.commit().await.unwrap();
    assert!(backend(&pool).await > 0);
}

#[tokio::test]
async fn a_failed_statement_does_not_cost_its_connection() {
    let (_database, pool) = pool(1).await;
    let first = backend(&pool).await;
    let insert = || sqlx::query("INSERT INTO rows VALUES (1)").execute(&pool);
    insert().await.unwrap();

    insert().await.unwrap_err();
    sqlx::query("SELECT no_such_column")
        .fetch_all(&pool)
        .await
        .unwrap_err();

    assert_eq!(backend(&pool).await, first);
}

#[tokio::test]
async fn a_cancelled_statement_loses_neither_room_nor_order() {
    let (_database, pool) = pool(2).await;

    for _ in 0..10 {
        let slow = sqlx::query("SELECT pg_sleep(60)").execute(&pool);
        timeout(Duration::from_millis(20), slow).await.unwrap_err();
    }

    // If a permit were lost, or an old response still pending, these would fail.
    let two = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    two.0.commit().await.unwrap();
    two.1.commit().await.unwrap();
    let n: i32 = sqlx::query_scalar("SELECT 7")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(n, 7);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_connection_kept() {
    let (_database, pool) = pool(1).await;
    let first = backend(&pool).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO rows VALUES (1)")
        .execute(&mut *tx)
        .await
        .unwrap();

    drop(tx);

    until("the connection is back", async || {
        sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&pool)
            .await
            .is_ok_and(|pid: i32| pid == first)
    })
    .await;
    assert_eq!(rows(&pool).await, 0);
}

#[tokio::test]
async fn a_committed_transaction_stays() {
    let (_database, pool) = pool(1).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO rows VALUES (1)")
        .execute(&mut *tx)
        .await
        .unwrap();

    tx.commit().await.unwrap();

    assert_eq!(rows(&pool).await, 1);
}

#[tokio::test]
async fn a_connection_whose_server_ended_is_replaced() {
    let (database, pool) = pool(1).await;
    let first = backend(&pool).await;
    let mut admin = database.admin().connect().await.unwrap();

    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(first)
        .execute(&mut admin)
        .await
        .unwrap();

    // At most the one call that meets the dead connection fails.
    let mut refused = 0;
    until("a new connection", async || {
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&pool)
            .await;
        refused += u32::from(pid.is_err());
        pid.is_ok_and(|pid: i32| pid != first)
    })
    .await;
    assert!(refused <= 1, "{refused}");
}

#[tokio::test]
async fn an_idle_connection_is_asked_before_it_is_trusted() {
    let (database, pool) = pool(1).await;
    let first = backend(&pool).await;
    let mut admin = database.admin().connect().await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(first)
        .execute(&mut admin)
        .await
        .unwrap();

    // The pool trusts a connection for 50 ms; time is what is tested here.
    sleep(Duration::from_millis(60)).await;

    assert_ne!(backend(&pool).await, first);
}

#[tokio::test]
async fn many_callers_share_few_connections() {
    let (database, pool) = pool(3).await;
    let calls = (0..200).map(|n| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut tx = pool.begin().await.ok()?;
            sqlx::query("INSERT INTO rows VALUES ($1)")
                .bind(n)
                .execute(&mut *tx)
                .await
                .ok()?;
            tx.commit().await.ok()
        })
    });

    let mut done = 0;
    for call in calls.collect::<Vec<_>>() {
        done += i64::from(call.await.unwrap().is_some());
    }

    let mut admin = database.admin().connect().await.unwrap();
    let used: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert!(used <= 3, "{used}");
    assert_eq!(rows(&pool).await, done);
}

#[tokio::test]
async fn a_closed_pool_refuses() {
    let (_database, pool) = pool(1).await;
    backend(&pool).await;

    pool.close();

    let refused = sqlx::query("SELECT 1").execute(&pool).await.unwrap_err();
    assert!(matches!(refused, sqlx::Error::PoolClosed), "{refused:?}");
}

#[tokio::test]
async fn each_runtime_has_its_own_connections_while_there_is_room() {
    let (_database, pool) = pool(4).await;
    let other = pool.on_another_runtime();

    let (first, second) = (backend(&pool).await, backend(&other).await);

    assert_ne!(first, second);
    for _ in 0..10 {
        assert_eq!(backend(&other).await, second);
        assert_eq!(backend(&pool).await, first);
    }
}

#[tokio::test]
async fn a_runtime_may_use_all_connections() {
    let (_database, pool) = pool(2).await;
    let other = pool.on_another_runtime();
    let two = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    two.0.commit().await.unwrap();
    two.1.commit().await.unwrap();
    let first = backend(&pool).await;

    // No third one is opened: the last one returned is used.
    assert_eq!(backend(&other).await, first);
}

#[tokio::test]
async fn of_writes_that_may_wait_few_have_their_turn() {
    let (_database, pool) = pool(4).await;
    let patient = pool.on_another_runtime().with_writers(1);
    let [one, other] = [1, 2].map(Uuid::from_u128);
    let first = patient.begin_in_turn(one).await.unwrap();
    let second = patient.share_of(Uuid::nil());
    let mut waits = Box::pin(second.begin_in_turn(other));

    // Longer than others wait for a connection.
    assert!(timeout(WAIT * 2, &mut waits).await.is_err());
    assert_eq!(pool.load().in_use, 1);
    // Reads, and writes that do not wait.
    backend(&patient).await;
    drop(pool.begin_in_turn(Uuid::from_u128(3)).await.unwrap());

    drop(first);
    waits.await.unwrap();
}
