//! Metrics of this process, as Linux counts them.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::metrics::{Metrics, count};

/// Registers them. What cannot be read is `NaN`.
pub(crate) fn publish(metrics: &Metrics) {
    let help = "Processor time that the service has used";
    metrics.counter("process_cpu_seconds", help, cpu_seconds);
    let help = "Memory of the service that is not swapped out";
    metrics.gauge("process_memory_bytes", help, || status("VmRSS:") * 1024.0);
    metrics.gauge("process_threads", "Threads", || status("Threads:"));
    metrics.gauge("process_open_files", "Open files and sockets", open_files);
    let help = "The limit on open files and sockets";
    metrics.gauge("process_open_files_max", help, open_files_max);
}

fn cpu_seconds() -> f64 {
    let time = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime));
    time.map_or(f64::NAN, |time| time.as_secs_f64())
}

/// A number of proc(5); sizes are in KiB.
fn status(name: &str) -> f64 {
    let read = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value.split_whitespace().next()?.parse().ok()
    };
    read().unwrap_or(f64::NAN)
}

/// The one that reads the folder is not counted.
fn open_files() -> f64 {
    let files = fs::read_dir("/proc/self/fd");
    files.map_or(f64::NAN, |files| count(files.count().saturating_sub(1)))
}

fn open_files_max() -> f64 {
    let max = getrlimit(Resource::Nofile).current;
    max.map_or(f64::INFINITY, |max| {
        usize::try_from(max).map_or(f64::INFINITY, count)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_figures_follow_what_the_process_does() {
        let (time, files) = (cpu_seconds(), open_files());
        let (end, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || ended.recv());
        let opened: Vec<_> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();

        // Other tests of this process open and close files, too.
        assert!(open_files() > files + 100.0);
        assert!(open_files_max() >= open_files());
        assert!(status("Threads:") >= 2.0);
        assert!(cpu_seconds() > time);
        assert!(status("VmRSS:") > 1000.0);

        drop((opened, end));
        let _ = thread.join();
    }
}
