//! Processor time of processes. The kernel's scheduler counts time spent running, not
//! waiting, so the figures vary less than wall time on a shared machine.

use std::fs;
use std::ops::Sub;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};

/// The processes whose time is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Processes {
    /// Those that serve.
    pub(super) service: Vec<Process>,
    /// The database server.
    pub(super) postgres: Option<Process>,
}

/// Processor time used so far, or between two readings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) service: Duration,
    pub(super) postgres: Duration,
    /// This process, with the children that have ended.
    pub(super) client: Duration,
}

impl Processes {
    /// The same without the time of the service.
    pub(super) fn without_service(&self) -> Self {
        Self {
            service: Vec::new(),
            postgres: self.postgres,
        }
    }

    pub(super) fn used(&self) -> Used {
        Used {
            service: self.service.iter().copied().map(Process::used).sum(),
            postgres: self.postgres.map(Process::used).unwrap_or_default(),
            client: own(UsageWho::RUSAGE_SELF) + own(UsageWho::RUSAGE_CHILDREN),
        }
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            service: self.service.saturating_sub(before.service),
            postgres: self.postgres.saturating_sub(before.postgres),
            client: self.client.saturating_sub(before.client),
        }
    }
}

/// A process with its children, ended ones included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// What it has used since its start.
    fn used(self) -> Duration {
        let Self(pid) = self;
        let running = std::iter::once(pid).chain(children(pid)).map(scheduled);
        running.sum::<Duration>() + ended_children(pid)
    }

    /// Its proportional share of memory, including its program's file (PSS), in bytes.
    pub(super) fn memory(self) -> u64 {
        self.rollup("Pss:")
    }

    /// Its share of memory that is not mapped from files, in bytes: heap and stacks.
    pub(super) fn own_memory(self) -> u64 {
        self.rollup("Pss_Anon:")
    }

    fn rollup(self, label: &str) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.0);
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }
}

/// The first number of each thread's `schedstat` is its nanoseconds on a
/// processor.
fn scheduled(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).and_then(|stat| stat.get(1)?.parse().ok()) == Some(parent))
        .collect()
}

/// `cutime` and `cstime` of `proc_pid_stat(5)`, in ticks.
fn ended_children(pid: u32) -> Duration {
    let ticks = || {
        let stat = stat(pid)?;
        let ticks = |index: usize| stat.get(index)?.parse::<u64>().ok();
        let per_second = u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
        Some(Duration::from_micros(
            (ticks(13)? + ticks(14)?) * 1_000_000 / per_second,
        ))
    };
    ticks().unwrap_or_default()
}

/// The fields after the name, which may contain anything; the first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    let stat = fs::read_to_string(path).ok()?;
    let (_, behind_name) = stat.rsplit_once(") ")?;
    Some(behind_name.split(' ').map(str::to_owned).collect())
}

fn own(who: UsageWho) -> Duration {
    let time = |time: TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    getrusage(who).map_or(Duration::ZERO, |usage| {
        time(usage.user_time()) + time(usage.system_time())
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn this() -> Process {
        Process(std::process::id())
    }

    #[test]
    fn processor_time_is_counted_for_its_process() {
        let before = this().used();

        let sum: u64 = (0..50_000_000_u64).fold(0, |sum, n| sum ^ n.wrapping_mul(sum | 1));

        assert!(std::hint::black_box(sum) != 1 && this().used() > before);
    }

    #[test]
    fn a_child_is_found_by_its_parent() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();

        let found = children(std::process::id());

        assert!(found.contains(&child.id()));
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn what_ended_children_did_is_counted() {
        let before = ended_children(std::process::id());

        let mut child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"])
            .spawn()
            .unwrap();
        child.wait().unwrap();

        assert!(ended_children(std::process::id()) > before);
    }

    #[test]
    fn a_process_has_memory() {
        assert!(this().own_memory() > 100_000);
        assert!(this().memory() >= this().own_memory());
    }
}
