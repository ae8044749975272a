//! `cargo dev prepare`: writes `.sqlx`, with which queries are checked without a
//! database.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use sqlx::{ConnectOptions, Connection};
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::config::PrepareConfig;
use crate::error::{Error, OrPath, Result};
use crate::print;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const DATABASE: &str = "postgres";

/// Checks every query against a migrated database, and stores the results; with `check`,
/// only compares them with the stored ones.
pub async fn run(config: PrepareConfig) -> Result<()> {
    let workspace = Path::new(WORKSPACE);
    let start = || {
        Cluster::start(
            Binaries::find(&Search::from_environment())?,
            Folder::ephemeral()?,
        )
    };
    let cluster = match spawn_blocking(start).await {
        Ok(cluster) => cluster?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let mut db = cluster
        .connect_options(DATABASE, SUPERUSER)
        .connect()
        .await?;
    chassis::database::MIGRATOR.run(&mut db).await?;
    db.close().await?;

    let fresh = tempfile::tempdir().or_path("make", Path::new("a folder"))?;
    check_queries(
        &config.cargo,
        workspace,
        &cluster.url(DATABASE, SUPERUSER),
        fresh.path(),
    )
    .await?;
    let kept = workspace.join(".sqlx");
    let (new, old) = (read(fresh.path())?, read(&kept)?);
    if new == old {
        print::say(format_args!("{} queries, all as in .sqlx", new.len()));
        return Ok(());
    }
    if config.check {
        return Err(Error::StaleQueries);
    }
    if kept.exists() {
        fs::remove_dir_all(&kept).or_path("remove", &kept)?;
    }
    fs::create_dir(&kept).or_path("make", &kept)?;
    for (name, content) in &new {
        let path = kept.join(name);
        fs::write(&path, content).or_path("write", &path)?;
    }
    print::say(format_args!("wrote {} queries to .sqlx", new.len()));
    Ok(())
}

/// The macros of sqlx write the metadata of each query to `SQLX_OFFLINE_DIR`.
async fn check_queries(cargo: &Path, workspace: &Path, url: &str, into: &Path) -> Result<()> {
    for service in ["auth-service", "contacts-service"] {
        // Touched, because otherwise an unchanged crate would not be compiled again.
        let path = workspace.join(service).join("src/lib.rs");
        let file = File::options()
            .append(true)
            .open(&path)
            .or_path("open", &path)?;
        file.set_modified(SystemTime::now())
            .or_path("touch", &path)?;
    }
    let status = Command::new(cargo)
        // With a test, because its dependencies have the same features as in all tests:
        // others would be compiled again.
        .args(["check", "--quiet", "--workspace", "--lib", "--test", "tidy"])
        .current_dir(workspace)
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", into)
        .kill_on_drop(true)
        .status()
        .await
        .or_path("run", cargo)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Build)
    }
}

fn read(dir: &Path) -> Result<BTreeMap<OsString, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !dir.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(dir).or_path("read", dir)? {
        let path: PathBuf = entry.or_path("read", dir)?.path();
        let content = fs::read(&path).or_path("read", &path)?;
        files.insert(path.file_name().unwrap_or_default().to_owned(), content);
    }
    Ok(files)
}
