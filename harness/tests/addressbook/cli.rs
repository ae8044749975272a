//! Runs `addressbook` as a shell does.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;

use crate::stack::Stack;

pub(crate) const PASSWORD: &str = "the otter naps at noon";

/// The system of the tests that neither change nor stop it. It stops with the last of them.
static SHARED: Mutex<Weak<Stack>> = Mutex::new(Weak::new());

/// A home folder with profiles, and the servers to use.
pub(crate) struct Cli {
    /// The e-mail of the account; empty without one.
    pub(crate) email: String,
    home: TempDir,
    servers: [(&'static str, String); 2],
    shared: Option<Arc<Stack>>,
}

/// The e-mail of an account that no other test has.
pub(crate) fn unique_email() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("user-{number}@example.com")
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) errors: String,
}

impl Cli {
    pub(crate) fn new(stack: &Stack) -> Self {
        let servers = [
            ("ADDRESSBOOK_AUTH_URL", format!("http://{}", stack.auth)),
            (
                "ADDRESSBOOK_CONTACTS_URL",
                format!("http://{}", stack.contacts),
            ),
        ];
        Self {
            email: String::new(),
            home: tempfile::tempdir().unwrap(),
            servers,
            shared: None,
        }
    }

    /// Where an account is logged in.
    pub(crate) fn of(stack: &Stack, email: &str) -> Self {
        let cli = Self {
            email: email.to_owned(),
            ..Self::new(stack)
        };
        let done = cli.typing(&["account", "sign-up", email, "--name", "Ada"], PASSWORD);
        done.assert(0);
        cli
    }

    /// The same with an account of its own, of the system that tests share.
    pub(crate) fn shared() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let stack = shared.upgrade().unwrap_or_else(|| {
            let stack = Arc::new(Stack::start(&[]));
            *shared = Arc::downgrade(&stack);
            stack
        });
        drop(shared);
        Self {
            shared: Some(Arc::clone(&stack)),
            ..Self::of(&stack, &unique_email())
        }
    }

    /// The system that is shared.
    pub(crate) fn stack(&self) -> &Stack {
        self.shared.as_ref().unwrap()
    }

    /// The file of a profile.
    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.home
            .path()
            .join(format!("state/addressbook/{name}.json"))
    }

    /// Writes a file into the folder where the commands run.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file_path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn file_path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The command, with nothing of this machine in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name("addressbook");
        assert!(
            program.exists(),
            "addressbook is not built; use `cargo test --workspace`"
        );
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            // A text that `edit` keeps goes with the home folder.
            .env("TMPDIR", self.home.path())
            .envs(self.servers.clone())
            .current_dir(self.home.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.typing(args, "")
    }

    /// The same with these lines as its input.
    pub(crate) fn typing(&self, args: &[&str], input: &str) -> Done {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// The JSON values that a command prints.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let done = self.run(&[&["--json"], args].concat());
        done.assert(0);
        let values = done
            .said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        values.collect()
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn assert(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.said, self.errors);
        self
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            said: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
