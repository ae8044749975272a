//! `cargo dev make-admin`: makes an account of the running system an administrator.

use std::process::Stdio;

use tokio::process::Command;

use crate::config::MakeAdminConfig;
use crate::error::{Error, OrPath, Result};
use crate::up::{build, database};

/// Runs `auth-service make-admin` on the database that `cargo dev` runs, or on the one
/// of `DATABASE_URL`.
pub async fn run(config: MakeAdminConfig) -> Result<()> {
    let programs = build::programs(config.cargo.as_deref()).await?;
    let url = if let Some(url) = config.place.existing_database() {
        database::with_role(url, database::AUTH_ROLE)
    } else {
        let folder = config.place.kept_dir().ok_or(Error::NoHome)?;
        embedded_postgres::running_url(&folder, database::NAME, database::AUTH_ROLE)?
    };
    let status = Command::new(&programs.auth)
        .arg("make-admin")
        .args(config.args)
        .env("DATABASE_URL", url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .or_path("run", &programs.auth)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::MakeAdmin(status))
    }
}
