//! Processes that end with this one, and work to do when it ends: the only unsafe code.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{LazyLock, mpsc};
use std::thread;

pub use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid};
use tokio::runtime::Handle;

type Job = Box<dyn FnOnce() + Send>;

/// Starts a child in its own process group. On Linux it receives `signal` when this
/// process ends in any way, even by SIGKILL.
pub fn spawn_tied(mut command: Command, signal: Signal) -> io::Result<Child> {
    on_lasting_thread(move || {
        tie(&mut command, signal);
        command.spawn()
    })
}

/// Like `spawn_tied`, for a child that a tokio runtime waits for, and that is killed on
/// drop.
pub fn spawn_tied_async(mut command: Command, signal: Signal) -> io::Result<tokio::process::Child> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    on_lasting_thread(move || {
        tie(&mut command, signal);
        let _in_runtime = runtime.enter();
        tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
    })
}

/// Runs `job` on a thread that lasts as long as the process, because the kernel sends the
/// signal when the *thread* that started the child ends.
fn on_lasting_thread<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    static JOBS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
        let (sender, receiver) = mpsc::channel::<Job>();
        thread::spawn(move || receiver.into_iter().for_each(|job| job()));
        sender
    });
    let (answer, result) = mpsc::channel();
    let job: Job = Box::new(move || {
        // If this fails, the caller no longer waits.
        let _ = answer.send(job());
    });
    JOBS.send(job)
        .map_err(|_| io::Error::other("no thread starts processes"))?;
    result.recv().map_err(io::Error::other)?
}

#[expect(unsafe_code, reason = "prctl must be called between fork and exec")]
fn tie(command: &mut Command, signal: Signal) {
    let parent = getpid();
    let in_child = move || {
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(signal)?;
        #[cfg(not(target_os = "linux"))]
        let _ = signal;
        // The parent may have died before the signal was requested.
        if getppid() != parent {
            return Err(nix::Error::ESRCH.into());
        }
        Ok(())
    };
    // Ctrl-C in a terminal reaches the group of this process only.
    command.process_group(0);
    // SAFETY: the closure makes two system calls and neither allocates nor locks.
    unsafe {
        command.pre_exec(in_child);
    }
}

/// Registers `work` to be called when the process exits normally.
#[expect(unsafe_code, reason = "a static is never dropped; only C can be asked")]
pub(crate) fn at_exit(work: extern "C" fn()) {
    // SAFETY: `atexit` keeps a pointer to a function, which lives for ever.
    if unsafe { nix::libc::atexit(work) } != 0 {
        tracing::warn!("the database server's folder will not be removed at exit");
    }
}
