//! Callers that cancel at any point: the next caller gets their connections idle, or not
//! at all.

use std::collections::HashSet;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use chassis::database::pool::{Pool, Transaction};
use embedded_postgres::TestDatabase;
use fastrand::Rng;
use futures_util::future::{join_all, poll_fn};
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::timeout;

use crate::pool::{backend, database, pool, rows, until};

/// A pool whose statements wait briefly for locks and run briefly.
async fn impatient_pool(size: u32) -> (TestDatabase, Pool) {
    let database = database().await;
    let timeouts = [("lock_timeout", "40ms"), ("statement_timeout", "80ms")];
    let options = database.admin().options(timeouts);
    let pool = Pool::new(options, size, Duration::from_secs(5));
    sqlx::query("INSERT INTO rows VALUES (0)")
        .execute(&pool)
        .await
        .unwrap();
    (database, pool)
}

/// A separate connection, in a transaction that locks row 0.
async fn holding_row_0(database: &TestDatabase) -> PgConnection {
    let mut holder = database.admin().connect().await.unwrap();
    let hold = "BEGIN; UPDATE rows SET n = n WHERE n = 0";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    holder
}

/// Runs `work` until it has waited `waits` times, and cancels it at the next wait.
async fn given_up_after<T>(mut waits: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if waits == 0 => Poll::Ready(None),
        Poll::Pending => {
            waits -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn is_settled(pool: &Pool) {
    until("nobody uses a connection", async || pool.load().in_use == 0).await;
}

/// The number of the pool's connections that are not idle in PostgreSQL.
async fn reads_succeed(pool: &Pool, connections: usize) {
    let reads = (0..4 * connections).map(|_| rows(pool));
    join_all(reads).await;
}

async fn update_row_0(tx: &mut Transaction) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE rows SET n = n WHERE n = 0");
    update.execute(&mut **tx).await.map(drop)
}

#[tokio::test]
async fn a_caller_who_gave_up_on_a_lock_leaves_no_aborted_transaction() {
    let (database, pool) = impatient_pool(1).await;
    let _holder = holding_row_0(&database).await;

    let mut tx = pool.begin().await.unwrap();
    let waited = timeout(Duration::from_millis(10), update_row_0(&mut tx)).await;
    waited.unwrap_err();
    drop(tx);

    is_settled(&pool).await;
    reads_succeed(&pool, 1).await;
}

#[tokio::test]
async fn a_commit_after_a_statement_that_was_given_up_leaves_no_aborted_transaction() {
    let (database, pool) = impatient_pool(1).await;
    let _holder = holding_row_0(&database).await;

    let mut tx = pool.begin().await.unwrap();
    let waited = timeout(Duration::from_millis(10), update_row_0(&mut tx)).await;
    waited.unwrap_err();
    tx.commit().await.unwrap_err();

    is_settled(&pool).await;
    reads_succeed(&pool, 1).await;
}

/// Runs statements that record their server process; each is cancelled at a later wait
/// than the previous one.
#[tokio::test]
async fn callers_who_hang_up_cost_no_connection() {
    const CALLS: usize = 100;
    let (_database, pool) = pool(1).await;
    backend(&pool).await;

    for call in 0..CALLS {
        let note = "INSERT INTO rows SELECT pg_backend_pid() FROM pg_sleep(0.001)
                    ON CONFLICT DO NOTHING";
        let note = sqlx::query(note).execute(&pool);
        given_up_after(call % 5, note).await;
        is_settled(&pool).await;
    }

    let processes = rows(&pool).await;
    println!("{processes} server processes for {CALLS} calls");
    // One; more if the machine stalled for longer than the timeout of a statement.
    assert!(processes <= 5, "{processes}");
}

#[tokio::test]
async fn a_begin_that_was_given_up_begins_nothing() {
    let (database, pool) = pool(1).await;
    let first = backend(&pool).await;

    for waits in 0..10 {
        drop(given_up_after(waits % 3, pool.begin()).await);
        is_settled(&pool).await;
        let mut admin = database.admin().connect().await.unwrap();
        let state = "SELECT state FROM pg_stat_activity WHERE pid = $1";
        let state = sqlx::query_scalar(state).bind(first);
        let state: Option<String> = state.fetch_one(&mut admin).await.unwrap();
        assert_eq!(state.as_deref(), Some("idle"));
    }
}

/// One kind of work of a caller, which commits, fails or is slow, with or without a
/// transaction. Returns whether both halves of `id` are stored.
async fn do_something(pool: &Pool, random: &mut Rng, id: i32) -> sqlx::Result<bool> {
    const STATEMENTS: [&str; 6] = [
        "UPDATE rows SET n = n WHERE n = 0",
        "SELECT pg_sleep(0.02)",
        "SELECT pg_sleep(10)",
        "INSERT INTO rows VALUES (0)",
        "SELECT count(*) FROM rows",
        "SELECT no_such_column",
    ];
    let statement = |random: &mut Rng| sqlx::query(random.choice(STATEMENTS).unwrap());
    if random.u8(..4) == 0 {
        return statement(random).execute(pool).await.map(|_| false);
    }
    let mut tx = pool.begin().await?;
    for half in [2 * id, 2 * id + 1] {
        let insert = sqlx::query("INSERT INTO rows VALUES ($1)").bind(half);
        insert.execute(&mut *tx).await?;
        if random.bool() {
            statement(random).execute(&mut *tx).await?;
        }
    }
    tx.commit().await.map(|()| true)
}

/// Works repeatedly, and cancels at some of its waits. Returns what is certainly stored.
async fn many_things(pool: Pool, seed: u64, task: i32) -> Vec<i32> {
    const ROUNDS: i32 = 60;
    let mut random = Rng::with_seed(seed);
    let mut committed = Vec::new();
    for round in 0..ROUNDS {
        let id = 1 + task * ROUNDS + round;
        let waits = random.usize(..12);
        let mut inner = random.fork();
        let done = given_up_after(waits, do_something(&pool, &mut inner, id)).await;
        let error = match done {
            Some(Ok(is_there)) => {
                committed.extend(is_there.then_some(id));
                continue;
            }
            Some(Err(sqlx::Error::Database(error))) => error,
            Some(Err(_)) | None => continue,
        };
        // An aborted transaction of another caller.
        assert_ne!(error.code().as_deref(), Some("25P02"), "seed {seed}");
    }
    committed
}

#[tokio::test]
async fn whoever_gives_up_wherever_disturbs_nobody_else() {
    const CONNECTIONS: u32 = 3;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let (database, pool) = impatient_pool(CONNECTIONS).await;

    let tasks = (0..6).map(|task| {
        let seed = seed.wrapping_add(u64::try_from(task).unwrap());
        tokio::spawn(many_things(pool.clone(), seed, task))
    });
    let committed = join_all(tasks).await;

    is_settled(&pool).await;
    reads_succeed(&pool, CONNECTIONS as usize).await;
    let mut admin = database.admin().connect().await.unwrap();
    let not_idle: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!(not_idle, 0, "seed {seed}");
    let whole: Vec<i32> =
        sqlx::query_scalar("SELECT n / 2 FROM rows WHERE n > 1 GROUP BY n / 2 HAVING count(*) = 2")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let (rows, whole) = (rows(&pool).await, HashSet::<i32>::from_iter(whole));
    assert_eq!(
        rows,
        1 + 2 * i64::try_from(whole.len()).unwrap(),
        "seed {seed}"
    );
    for committed in committed {
        for id in committed.unwrap() {
            assert!(whole.contains(&id), "seed {seed}: {id}");
        }
    }
}
