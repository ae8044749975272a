//! A real mail server: aiosmtpd, as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::Value;

use crate::stack::{lines, workspace};
use crate::tools::mail_python;

const PATIENCE: Duration = Duration::from_mins(1);

/// The user from whom the server accepts mail.
pub(crate) const USER: &str = "mailer";
pub(crate) const PASSWORD: &str = "a password of the mailer's";

/// How a mail server uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Never, and asks for the password in clear text.
    Never,
    /// After STARTTLS, which it requires.
    Upgrade,
    /// From the first byte.
    Implicit,
}

/// The server; killed when dropped.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    child: Child,
    lines: Receiver<String>,
}

impl MailServer {
    /// Starts one on `port`, with the certificate of this name in `files`.
    pub(crate) fn start(files: &Path, tls: Tls, certificate: &str, port: u16) -> Self {
        let access = ["--user", USER, "--password", PASSWORD];
        let certificate = ["--certificate", certificate];
        let flags = match tls {
            Tls::Never => [&["--tls=none"], &access[..]].concat(),
            Tls::Upgrade => [&["--tls=starttls"], &certificate[..], &access].concat(),
            Tls::Implicit => [&["--tls=implicit"], &certificate[..], &access].concat(),
        };
        let mut child = Command::new(mail_python().unwrap())
            .arg(workspace().join("harness/tests/e2e/mail_server.py"))
            .args(flags)
            .args(["--port", &port.to_string()])
            .current_dir(files)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let port = lines.recv_timeout(PATIENCE).unwrap().parse().unwrap();
        Self { port, child, lines }
    }

    /// The next mail.
    pub(crate) fn mail(&mut self) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            let heard: Value = serde_json::from_str(&line).unwrap();
            if heard.get("mail").is_some() {
                return heard;
            }
        }
    }

    /// Stops it, and returns the passwords and mails that no test has read.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
