//! A service as a separate program, with the settings of a test.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing::until;

/// A running service; asked to stop when dropped.
pub(crate) struct Program {
    path: PathBuf,
    settings: Vec<(&'static str, String)>,
    pub(crate) address: String,
    child: Child,
}

impl Program {
    /// Starts one on a free port, which is kept in `files`.
    pub(crate) fn start(name: &str, files: &Path, own: Vec<(&'static str, String)>) -> Self {
        let path = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name(name);
        let address = files.join(format!("{name}.address"));
        // Of an earlier one.
        let _ = fs::remove_file(&address);
        let mut settings = vec![
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("ADDRESS_FILE", address.display().to_string()),
        ];
        settings.extend(own);
        let mut program = Self {
            child: command(&path, &settings).spawn().unwrap(),
            address: String::new(),
            path,
            settings,
        };
        until(&format!("{name} serves"), || {
            assert!(
                program.child.try_wait().unwrap().is_none(),
                "{name} has ended"
            );
            program.address = fs::read_to_string(&address).unwrap_or_default();
            program.address.trim().parse::<SocketAddr>().is_ok()
        });
        program.address = program.address.trim().to_owned();
        program.set("LISTEN_ADDR", program.address.clone());
        program
    }

    /// Asks it to stop; false if it has ended.
    pub(crate) fn stop(&self) -> bool {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM).is_ok()
    }

    /// Asks it to stop, which must succeed, and starts it again at the same address.
    pub(crate) fn restart(&mut self) {
        assert!(self.stop(), "{} has ended", self.address);
        assert!(self.child.wait().unwrap().success(), "{}", self.address);
        self.child = command(&self.path, &self.settings).spawn().unwrap();
        until("the program serves again", || self.is_healthy_without(&[]));
    }

    /// Kills it at once, and starts it again at the same address.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = command(&self.path, &self.settings).spawn().unwrap();
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value));
    }

    /// The output of the sub-command, with the service's own settings except these.
    pub(crate) fn is_healthy_without(&self, names: &[&str]) -> bool {
        let mut settings = self.settings.clone();
        settings.retain(|(name, _)| !names.contains(name));
        let mut health = command(&self.path, &settings);
        health.arg("health").status().unwrap().success()
    }
}

fn command(program: &Path, settings: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    command
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.stop() {
            let _ = self.child.wait();
        }
    }
}
