//! Several hosts of `DATABASE_URL`, of which another one becomes the primary.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::database::{self, Database};
use chassis::settings::config::DatabaseConfig;
use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use testing::{promote, standby_of};
use tokio::time::{sleep, timeout};

/// The servers in this order.
fn database(servers: [&Cluster; 2]) -> Database {
    let sockets = servers.map(|server| server.socket_dir().display().to_string());
    let hosts = sockets.join(",");
    let url = format!("postgres://{SUPERUSER}@/postgres?sslmode=disable&port=5432&host={hosts}");
    let config = DatabaseConfig {
        database_url: url.into(),
        database_password_file: None,
        database_connections: 4,
        database_acquire: Duration::from_secs(3),
        database_statement: Duration::from_secs(5),
        database_start: Duration::ZERO,
    };
    Database::new(&config, &[]).unwrap()
}

/// Whether the pool leads to this server.
async fn leads_to(pool: &Pool, server: &Cluster) -> bool {
    let socket = sqlx::query_scalar("SELECT current_setting('unix_socket_directories')");
    let socket: sqlx::Result<String> = socket.fetch_one(pool).await;
    socket.is_ok_and(|socket| socket == server.socket_dir().display().to_string())
}

/// Polls until a pool leads to this server.
async fn comes_to(pool: impl Fn() -> Pool, server: &Cluster) {
    let comes = async {
        while !leads_to(&pool(), server).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let came = timeout(Duration::from_secs(30), comes).await;
    came.expect("another server");
}

#[tokio::test]
async fn a_replaced_primary_is_left_and_not_used_again() {
    let binaries = Binaries::find(&Search::from_environment()).unwrap();
    let mut old = Cluster::start(binaries, Folder::ephemeral().unwrap()).unwrap();
    let Some(new) = standby_of(old.socket_dir()) else {
        return;
    };
    let before = database([&old, &new]);
    assert!(leads_to(&before.calls(), &old).await);
    let _watched = before.watch(&Clock::System.of_database(), Duration::from_secs(30));

    // The old one takes writes as before, like one whose network was cut.
    promote(&new).await;

    // Who begins now finds the new one, whatever the order; who began before, too.
    // On a busy machine the new one may respond too late to be compared with the old one.
    for servers in [[&old, &new], [&new, &old]] {
        comes_to(|| database(servers).calls(), &new).await;
    }
    comes_to(|| before.calls(), &new).await;

    // Without the new one there is none, instead of one that lacks what was written since.
    let mut new = new;
    new.stop().unwrap();
    let refused = sqlx::query("SELECT 1").execute(&before.calls()).await;
    let error = refused.unwrap_err();
    assert!(database::is_unavailable(&error), "{error:?}");
    assert!(error.to_string().contains("was promoted"), "{error}");
    new.restart().unwrap();
    comes_to(|| before.calls(), &new).await;
    old.stop().unwrap();
    assert!(leads_to(&before.calls(), &new).await);
}
