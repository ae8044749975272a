//! A server that becomes read-only while connections to it are open, as hosted ones do
//! when their disk is full.

use std::sync::atomic::{AtomicBool, Ordering};

use embedded_postgres::{Cluster, SUPERUSER};
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};

use super::restored::new_server;
use super::writer::Writer;
use testing::migrate;

use crate::pair::{Pair, Program, until};

/// Users per side, so that some write is under way whenever the server changes.
const WRITERS: usize = 4;

/// Enough for each service to have a write under way when the server changes.
const ROUNDS: usize = 3;

/// Changes all sessions of the server, those that are open, too.
async fn set_read_only(server: &Cluster, is: bool) {
    let options = server.connect_options("postgres", SUPERUSER);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    for sql in [
        "SET default_transaction_read_only = off".to_owned(),
        format!("ALTER SYSTEM SET default_transaction_read_only = {is}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        let sql = raw_sql(AssertSqlSafe(sql));
        sql.execute(&mut db).await.unwrap();
    }
}

async fn all_log(pair: &Pair, line: &str) {
    for program in pair.programs() {
        until(&format!("{} logs: {line}", program.address()), async || {
            program.log().contains(line).then_some(())
        })
        .await;
    }
}

async fn all_are(pair: &Pair, serving: bool) {
    let is_so = async |program: &Program| (program.is_serving().await == serving).then_some(());
    for program in pair.programs() {
        until("its health changes", async || is_so(program).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_becomes_read_only_is_noticed_on_open_connections() {
    let server = new_server().await;
    migrate(server.connect_options("addressbook", SUPERUSER))
        .await
        .unwrap();
    let url = |role: &str| server.url("addressbook", role);
    let pair = Pair::start_on(Pair::database().await, &url, [&[], &[]]).await;
    let mut writers = Vec::new();
    for number in 0..2 * WRITERS {
        let email = format!("ada{number}@example.com");
        writers.push(Writer::new(pair.side(number), &email).await);
    }

    let is_over = AtomicBool::new(false);
    // Each checks that a refused write is UNAVAILABLE.
    let writing = join_all(writers.iter().map(|writer| writer.write_until(&is_over)));
    let meanwhile = async {
        for _ in 0..ROUNDS {
            set_read_only(&server, true).await;
            all_are(&pair, false).await;
            // The check of each second found it, not a new connection.
            all_log(&pair, "the database is read-only").await;

            set_read_only(&server, false).await;
            all_are(&pair, true).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writing, meanwhile);

    // Writes met it, too, on connections that were open before.
    all_log(&pair, "in a read-only transaction").await;
    assert!(written.iter().all(|ids| !ids.is_empty()));
    for writer in &writers {
        writer.write().await.unwrap();
    }
}
