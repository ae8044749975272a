//! A private server's life on a folder.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_postgres::{Binaries, Cluster, Error, Folder, Search};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

#[tokio::test]
async fn data_survives_a_restart() {
    let dir = folder();
    let mut cluster = start(dir.path());
    remember(cluster.connect_options("postgres", "postgres"), "kept").await;

    cluster.stop().unwrap();
    drop(cluster);
    let cluster = start(dir.path());

    let found = recall(cluster.connect_options("postgres", "postgres")).await;
    assert_eq!(found, "kept");
}

#[tokio::test]
async fn data_survives_sigkill_of_the_server() {
    let dir = folder();
    let mut cluster = start(dir.path());
    remember(cluster.connect_options("postgres", "postgres"), "kept").await;

    kill(pid(cluster.pid().unwrap()), Signal::SIGKILL).unwrap();
    until("the server is seen to be gone", || !cluster.is_running());
    cluster.restart().unwrap();

    assert!(cluster.is_running());
    let found = recall(cluster.connect_options("postgres", "postgres")).await;
    assert_eq!(found, "kept");
}

#[test]
fn a_stopped_server_leaves_no_process() {
    let dir = folder();
    let mut cluster = start(dir.path());
    let server = cluster.pid().unwrap();

    cluster.stop().unwrap();

    assert!(!is_alive(server));
    assert!(!cluster.is_running());
}

#[test]
fn a_killed_parent_leaves_no_server() {
    let dir = folder();
    let (mut parent, server) = parent(dir.path());
    assert!(is_alive(server));

    parent.kill().unwrap();
    parent.wait().unwrap();

    if cfg!(target_os = "linux") {
        until("the server ends with its parent", || !is_alive(server));
    }
}

#[test]
fn a_folder_of_a_killed_parent_can_be_used_at_once() {
    let dir = folder();
    let (mut parent, server) = parent(dir.path());
    kill(pid(server), Signal::SIGKILL).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();

    let mut cluster = start(dir.path());

    assert!(cluster.is_running());
}

#[test]
fn second_start_on_the_same_folder_is_refused() {
    let dir = folder();
    let cluster = start(dir.path());

    let error = Folder::kept(dir.path()).unwrap_err();

    let Error::InUse { holder, .. } = error else {
        panic!("{error}");
    };
    let own = format!("process {}", std::process::id());
    assert!(holder.starts_with(&own), "{holder}");
    drop(cluster);
    Folder::kept(dir.path()).unwrap();
}

#[test]
fn stale_pid_file_is_survived() {
    let dir = folder();
    start(dir.path()).stop().unwrap();
    // This process is running and is not a server.
    let stale = format!("{}\n{}\n", std::process::id(), dir.path().display());
    fs::write(dir.path().join("pg/postmaster.pid"), stale).unwrap();

    let mut cluster = start(dir.path());

    assert!(cluster.is_running());
}

#[test]
fn wrong_major_version_is_named() {
    let dir = folder();
    start(dir.path()).stop().unwrap();
    fs::write(dir.path().join("pg/PG_VERSION"), "9\n").unwrap();

    let error = Cluster::start(binaries(), Folder::kept(dir.path()).unwrap()).unwrap_err();

    assert!(matches!(&error, Error::MajorVersion { data, .. } if data == "9"));
    let text = error.to_string();
    assert!(text.contains("POSTGRES_BIN_DIR"), "{text}");
}

#[test]
fn an_interrupted_initdb_is_begun_anew() {
    let dir = folder();
    let half = dir.path().join("pg.new");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();

    let mut cluster = start(dir.path());

    assert!(cluster.is_running());
    assert!(!half.exists());
}

#[test]
fn a_long_path_gets_a_short_socket() {
    let dir = folder();
    let deep = dir.path().join("d".repeat(120));

    let cluster = start(&deep);
    let socket_dir = cluster.socket_dir().to_owned();

    assert!(socket_dir.join(".s.PGSQL.5432").exists());
    assert!(!socket_dir.starts_with(&deep));
    drop(cluster);
    assert!(!socket_dir.exists());
}

#[test]
fn an_ephemeral_folder_goes_with_the_server() {
    let cluster = Cluster::start(binaries(), Folder::ephemeral().unwrap()).unwrap();
    let path = cluster.folder().path().to_owned();
    assert!(path.join("pg/PG_VERSION").exists());

    drop(cluster);

    assert!(!path.exists());
}

#[test]
fn nobody_else_can_enter_the_data_or_the_socket() {
    let dir = folder();
    let cluster = start(dir.path());

    for dir in [&dir.path().join("pg"), cluster.socket_dir()] {
        assert_eq!(fs::metadata(dir).unwrap().mode() & 0o077, 0, "{dir:?}");
    }
}

#[test]
fn a_folder_closed_to_the_servers_user_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let dir = folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let inner = dir.path().join("inner");

    let error = Cluster::start(binaries(), Folder::kept(&inner).unwrap()).unwrap_err();

    assert!(matches!(error, Error::Closed { dir: closed, .. } if closed == dir.path()));
}

#[tokio::test]
async fn the_url_is_understood() {
    let dir = folder();
    let cluster = start(dir.path());

    let url = cluster.url("postgres", "postgres");
    let mut db = PgConnection::connect(&url).await.unwrap();

    db.ping().await.unwrap();
}

fn folder() -> TempDir {
    let open = fs::Permissions::from_mode(0o711);
    tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap()
}

fn binaries() -> Binaries {
    Binaries::find(&Search::from_environment()).unwrap()
}

fn start(dir: &Path) -> Cluster {
    Cluster::start(binaries(), Folder::kept(dir).unwrap()).unwrap()
}

/// Starts another process that runs a server on the folder.
fn parent(dir: &Path) -> (Child, u32) {
    let mut parent = Command::new(example("server"))
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (parent, line.trim().parse().unwrap())
}

/// Cargo builds the examples beside the tests: `debug/deps/..` and
/// `debug/examples/..`.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).unwrap();
    profile.join("examples").join(name)
}

async fn remember(options: PgConnectOptions, note: &str) {
    let mut db = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE notes (note text NOT NULL)")
        .execute(&mut db)
        .await
        .unwrap();
    sqlx::query("INSERT INTO notes VALUES ($1)")
        .bind(note)
        .execute(&mut db)
        .await
        .unwrap();
}

async fn recall(options: PgConnectOptions) -> String {
    let mut db = options.connect().await.unwrap();
    sqlx::query_scalar("SELECT note FROM notes")
        .fetch_one(&mut db)
        .await
        .unwrap()
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed())
}

fn is_alive(number: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{number}/stat"));
    // There may be no process that reaps a child whose parent was killed.
    match stat {
        Ok(stat) => !stat.contains(") Z "),
        Err(_) => cfg!(not(target_os = "linux")) && kill(pid(number), None).is_ok(),
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
