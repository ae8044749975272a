//! Reads `postmaster.pid`, in which a server writes its state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{OrPath, Result};

pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Whether the process `pid` serves the data and accepts connections.
pub(crate) fn is_ready(data: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(path(data)) else {
        return false;
    };
    let mut lines = text.lines();
    let same = lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid);
    let state = lines.nth(6).map(str::trim);
    same && state == Some("ready")
}

/// The folder of the socket, if a server serves the data.
pub(crate) fn socket_dir(data: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path(data)).ok()?;
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let pid = lines.first()?.parse().ok()?;
    let is_ready = lines.get(7) == Some(&"ready") && may_be_server(pid);
    is_ready.then(|| lines.get(4).map(PathBuf::from)).flatten()
}

/// Removes the file if its process is certainly not a server; PostgreSQL itself only
/// checks that a process with this id exists. The caller holds the folder's lock. Returns
/// whether there was a file, which means that the last server did not stop cleanly.
pub(crate) fn remove_if_stale(data: &Path) -> Result<bool> {
    let path = path(data);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).or_path("read", &path),
    };
    let pid = text
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok());
    if pid.is_none_or(may_be_server) {
        return Ok(true);
    }
    fs::remove_file(&path).or_path("remove", &path)?;
    Ok(true)
}

/// Whether the process may be a server; true without /proc, where this is unknown.
fn may_be_server(pid: u32) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return true;
    }
    // `123 (postgres) S ...`; the name may hold spaces and parentheses.
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let Some((head, tail)) = stat.rsplit_once(')') else {
        return true;
    };
    let is_zombie = tail.trim_start().starts_with('Z');
    head.contains("(postgres") && !is_zombie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_not_a_server() {
        assert!(!may_be_server(std::process::id()));
    }
}
