//! The user that runs the server: PostgreSQL refuses to run as root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use crate::error::{Error, OrPath, Result};

/// The user to switch to before running a program of PostgreSQL.
#[derive(Debug)]
pub(crate) struct Account(Option<User>);

impl Account {
    /// As root, chooses the owner of the data, else `postgres`, else `nobody`; other
    /// users run the server themselves.
    pub(crate) fn choose(data: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let owner = fs::metadata(data)
            .ok()
            .filter(|data| data.uid() != 0)
            .and_then(|data| User::from_uid(Uid::from_raw(data.uid())).ok().flatten());
        let named = |name| User::from_name(name).ok().flatten();
        owner
            .or_else(|| named("postgres"))
            .or_else(|| named("nobody"))
            .map(|user| Self(Some(user)))
            .ok_or(Error::NoUser)
    }

    /// Makes `command` run as the user. The standard library also drops root's
    /// further groups when the user changes.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.0 {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Makes a folder that only the user (and root) can enter.
    pub(crate) fn create_private(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).or_path("make", dir)?;
        if let Some(user) = &self.0 {
            chown(dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())).or_path("own", dir)?;
        }
        fs::set_permissions(dir, Permissions::from_mode(0o700)).or_path("close", dir)
    }

    /// Returns whether the user can enter a folder and all folders above it.
    pub(crate) fn check_reach(&self, dir: &Path) -> Result<()> {
        let Some(user) = &self.0 else {
            return Ok(());
        };
        let real = dir.canonicalize().or_path("find", dir)?;
        for dir in real.ancestors() {
            let meta = fs::metadata(dir).or_path("find", dir)?;
            let bit = if meta.uid() == user.uid.as_raw() {
                0o100
            } else if meta.gid() == user.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            if meta.mode() & bit == 0 {
                return Err(Error::Closed {
                    dir: dir.to_owned(),
                    user: user.name.clone(),
                });
            }
        }
        Ok(())
    }
}
