//! Standbys of a server, and their promotion.

use std::path::Path;
use std::time::{Duration, Instant};

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use sqlx::{Connection, PgConnection};

/// A hot standby of the server whose socket is in this folder; `None` on a machine that
/// cannot create one, which is a failure in CI.
#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
#[must_use]
pub fn standby_of(primary: &Path) -> Option<Cluster> {
    let binaries = Binaries::find(&Search::from_environment()).unwrap();
    if binaries.dir().join("pg_basebackup").exists() {
        let folder = Folder::ephemeral().unwrap();
        return Some(Cluster::start_standby(binaries, folder, primary).unwrap());
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "CI must not go without pg_basebackup"
    );
    eprintln!("NOT TESTED: pg_basebackup is not installed");
    None
}

/// Promotes a standby; returns how long that took.
pub async fn promote(standby: &Cluster) -> Duration {
    let options = standby.connect_options("postgres", SUPERUSER);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    let began = Instant::now();
    let promote = sqlx::query_scalar("SELECT pg_promote()");
    let is_promoted: bool = promote.fetch_one(&mut db).await.unwrap();
    assert!(is_promoted);
    began.elapsed()
}
