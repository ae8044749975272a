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

/// The check of each second found it, and a write on a connection that was open before.
const LINES: [&str; 2] = ["the database is read-only", "in a read-only transaction"];

/// A write is logged only if it begins on an open connection just when the server changes,
/// which takes each service some rounds.
const ROUNDS_MAX: usize = 20;

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

/// Whether all services have logged all lines.
fn all_logged(pair: &Pair) -> bool {
    let has_logged = |program: &Program| {
        let log = program.log();
        LINES.iter().all(|line| log.contains(line))
    };
    pair.programs().iter().all(has_logged)
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
        for _ in 0..ROUNDS_MAX {
            set_read_only(&server, true).await;
            all_are(&pair, false).await;
            set_read_only(&server, false).await;
            all_are(&pair, true).await;
            if all_logged(&pair) {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writing, meanwhile);

    assert!(all_logged(&pair), "after {ROUNDS_MAX} rounds");
    assert!(written.iter().all(|ids| !ids.is_empty()));
    for writer in &writers {
        writer.write().await.unwrap();
    }
}
