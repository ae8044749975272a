//! Processor time of processes, in nanoseconds, from the kernel's scheduler: it
//! counts what ran and not what waited, so it is steadier than wall time on a
//! machine that others use, too.

use std::fs;
use std::path::Path;

/// A process, perhaps with its children.
pub(super) struct Process {
    pid: Option<u32>,
    children: bool,
}

impl Process {
    pub(super) fn of(pid: Option<u32>) -> Self {
        Self {
            pid,
            children: false,
        }
    }

    pub(super) fn with_children(pid: Option<u32>) -> Self {
        Self {
            pid,
            children: true,
        }
    }

    /// What it has used since its start; 0 for one that is not known.
    pub(super) fn nanoseconds(&self) -> u64 {
        let Some(pid) = self.pid else { return 0 };
        let children = if self.children {
            children(pid)
        } else {
            Vec::new()
        };
        std::iter::once(pid).chain(children).map(used).sum()
    }
}

/// The first number of each thread's `schedstat` is its time on a processor.
fn used(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    used.sum()
}

fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The field behind the state; the name before it may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_where_it_is_done() {
        let this = Process::of(Some(std::process::id()));
        let before = this.nanoseconds();

        let sum: u64 = (0..50_000_000_u64).fold(0, |sum, n| sum ^ n.wrapping_mul(sum | 1));

        assert!(std::hint::black_box(sum) != 1 && this.nanoseconds() > before);
    }

    #[test]
    fn a_child_is_found_by_its_parent() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();

        let found = children(std::process::id());

        assert!(found.contains(&child.id()));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
