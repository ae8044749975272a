//! The primary is killed under load, and its standby takes over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use embedded_postgres::{Cluster, SUPERUSER};
use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use testing::{migrate, promote, standby_of};
use tokio::time::sleep;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::restored::new_server;
use super::writer::Writer;
use crate::pair::{Pair, until};

/// Writers of each side.
const WRITERS: usize = 4;
/// The load before and after the promotion; time is what is measured here.
const LOAD: Duration = Duration::from_secs(1);
/// Far above what a promotion takes, on a machine with other work, too.
const GAP_MAX: Duration = Duration::from_secs(20);

async fn connect(server: &Cluster) -> PgConnection {
    let options = server.connect_options("addressbook", SUPERUSER);
    PgConnection::connect_with(&options).await.unwrap()
}

async fn run(server: &Cluster, sql: &str) {
    let mut db = connect(server).await;
    for sql in sql.split(';') {
        let sql = raw_sql(AssertSqlSafe(sql.to_owned()));
        sql.execute(&mut db).await.unwrap();
    }
}

/// From now on a commit waits until the standby has it. A standby that is copied later
/// would have this setting, too, and wait for a standby of its own.
async fn wait_for_standby(primary: &Cluster) {
    run(
        primary,
        "ALTER DATABASE addressbook SET synchronous_commit = on;
         ALTER SYSTEM SET synchronous_standby_names = '*';
         SELECT pg_reload_conf()",
    )
    .await;
    until("the standby is synchronous", async || {
        let state = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        let state = sqlx::query(state);
        let found = state.fetch_optional(&mut connect(primary).await).await;
        found.unwrap().map(drop)
    })
    .await;
}

/// How many of these contacts a server has.
async fn count(server: &Cluster, ids: &[Uuid]) -> usize {
    let count = "SELECT count(*) FROM contacts.contacts WHERE id = ANY($1)";
    let count = sqlx::query_scalar(count).bind(ids);
    let count: i64 = count.fetch_one(&mut connect(server).await).await.unwrap();
    usize::try_from(count).unwrap()
}

/// The URL of a role at both servers, the old one first.
fn url(servers: [&Cluster; 2], role: &str) -> String {
    let hosts = servers.map(|server| server.socket_dir().display().to_string());
    let hosts = hosts.join(",");
    format!("postgres://{role}@/addressbook?sslmode=disable&port=5432&host={hosts}")
}

/// When a writer's writes were acknowledged, and the ids.
struct Acknowledged(Vec<(Instant, Uuid)>);

impl Acknowledged {
    /// Writes until it is over.
    async fn by(writer: &Writer, is_over: &AtomicBool) -> Self {
        let mut all = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            match writer.create().await {
                Ok(id) => all.push((Instant::now(), id)),
                Err(status) => {
                    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
                    let retry = status.get_details_retry_info().unwrap().retry_delay;
                    sleep(retry.unwrap()).await;
                }
            }
        }
        Self(all)
    }
}

/// The primary is killed, and the standby promoted; returns when each began and ended.
async fn fail_over(primary: &mut Cluster, standby: &Cluster) -> (Instant, Instant) {
    let pid = primary.pid().unwrap().cast_signed();
    let killed = Instant::now();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until("the primary has ended", async || {
        let socket = primary.socket_dir().join(".s.PGSQL.5432");
        std::os::unix::net::UnixStream::connect(socket)
            .err()
            .map(drop)
    })
    .await;
    promote(standby).await;
    (killed, Instant::now())
}

/// Prints the gaps of what was acknowledged by anyone.
#[expect(clippy::print_stdout, reason = "the figures in docs/ROBUSTNESS.md")]
fn measure(all: &[Acknowledged], killed: Instant, promoted: Instant) {
    let mut times: Vec<_> = all.iter().flat_map(|one| &one.0).map(|ack| ack.0).collect();
    times.sort_unstable();
    let gap = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    let next = times.iter().find(|time| **time > promoted).unwrap();
    println!(
        "{} writes were acknowledged; promoted after {} ms; next write after {} ms; longest gap {} ms",
        times.len(),
        (promoted - killed).as_millis(),
        (*next - promoted).as_millis(),
        gap.as_millis(),
    );
    assert!(gap < GAP_MAX, "{gap:?}");
}

/// The old primary runs again as it was, as if nobody had replaced it.
async fn nobody_returns(pair: &Pair, writer: &Writer, old: &mut Cluster, new: &Cluster) {
    old.restart().unwrap();
    let url = url([old, new], "contacts_service");
    let (program, channel) = pair
        .further("contacts-service-2", &[("DATABASE_URL", &url)])
        .await;
    until("the new replica serves", async || {
        program.is_serving().await.then_some(())
    })
    .await;
    let third = writer.at(channel).create().await.unwrap();

    // All connect again, and find both servers.
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%service'";
    run(new, end).await;
    let mut ids = vec![third];
    for _ in 0..WRITERS {
        ids.push(until("a write", async || writer.create().await.ok()).await);
    }
    assert_eq!(count(new, &ids).await, ids.len());
    assert_eq!(count(old, &ids).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_synchronous_standby_has_every_acknowledged_write() {
    let mut primary = new_server().await;
    let options = primary.connect_options("addressbook", SUPERUSER);
    migrate(options).await.unwrap();
    let Some(standby) = standby_of(primary.socket_dir()) else {
        return;
    };
    wait_for_standby(&primary).await;
    let pair = {
        let url = |role: &str| url([&primary, &standby], role);
        Pair::start_on(Pair::database().await, &url, [&[], &[]]).await
    };
    let mut writers = Vec::new();
    for number in 0..2 * WRITERS {
        let email = format!("ada{number}@example.com");
        writers.push(Writer::new(pair.side(number), &email).await);
    }

    let is_over = AtomicBool::new(false);
    let writing = join_all(
        writers
            .iter()
            .map(|writer| Acknowledged::by(writer, &is_over)),
    );
    let meanwhile = async {
        sleep(LOAD).await;
        let times = fail_over(&mut primary, &standby).await;
        sleep(LOAD).await;
        until("a service serves", async || {
            pair.program(0).is_serving().await.then_some(())
        })
        .await;
        is_over.store(true, Ordering::Relaxed);
        times
    };
    let (all, (killed, promoted)) = tokio::join!(writing, meanwhile);

    measure(&all, killed, promoted);
    let ids: Vec<_> = all.iter().flat_map(|one| &one.0).map(|ack| ack.1).collect();
    assert_eq!(count(&standby, &ids).await, ids.len());
    nobody_returns(&pair, &writers[0], &mut primary, &standby).await;
}
