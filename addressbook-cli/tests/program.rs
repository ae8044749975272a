//! The program without a server.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread::yield_now;

fn addressbook(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_addressbook");
    let mut command = Command::new(program);
    command.args(args).env_clear().output().unwrap()
}

#[test]
fn the_help_has_the_exit_codes_and_the_environment() {
    let help = String::from_utf8(addressbook(&["--help"]).stdout).unwrap();

    for fact in ["  130  interrupted", "NO_COLOR", "ADDRESSBOOK_PROFILE"] {
        assert!(help.contains(fact), "{fact}: {help}");
    }
}

#[test]
fn a_profile_cannot_leave_its_folder() {
    for name in ["../other", ".hidden", ""] {
        let output = addressbook(&["--profile", name, "list"]);

        assert_eq!(output.status.code(), Some(6), "{name}");
    }
}

#[test]
fn an_output_that_is_full_is_an_error_and_one_that_nobody_reads_is_not() {
    let to = |output: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_addressbook"));
        let command = command.args(["completions", "bash"]).env_clear();
        command.stdout(output).output().unwrap()
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);

    let full = to(File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into());
    let unread = to(writer.into());

    assert_eq!(full.status.code(), Some(13), "{full:?}");
    let errors = String::from_utf8(full.stderr).unwrap();
    assert!(errors.contains("cannot write the output"), "{errors}");
    assert!(unread.status.success(), "{unread:?}");
    assert_eq!(unread.stderr, b"");
}

#[test]
fn passwords_are_sent_to_other_machines_only_with_tls() {
    let dir = tempfile::tempdir().unwrap();
    let log_in = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_addressbook"));
        let command = command
            .args(["login", "ada@example.com"])
            .args(args)
            .env_clear()
            .env("XDG_STATE_HOME", dir.path())
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let clear = [
        "--auth",
        "http://192.0.2.1",
        "--contacts",
        "http://192.0.2.1",
    ];

    let (code, errors) = log_in(&clear);
    assert_eq!(code, Some(6), "{errors}");
    assert!(errors.contains("--allow-plaintext"), "{errors}");
    // There is no password in the input.
    let (code, errors) = log_in(&[&clear[..], &["--allow-plaintext"]].concat());
    assert_eq!(code, Some(13), "{errors}");
    // One service alone.
    assert_eq!(log_in(&clear[..2]).0, Some(2));
}

#[test]
fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = addressbook(&["completions", shell]);

        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("birthdays"), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");

    let page = addressbook(&["man"]).stdout;
    let written = addressbook(&["man", "--dir", pages.to_str().unwrap()]);

    assert!(String::from_utf8(page).unwrap().contains(".TH addressbook"));
    assert!(written.status.success(), "{written:?}");
    for page in [
        "addressbook.1",
        "addressbook-import.1",
        "addressbook-account-totp-enable.1",
    ] {
        assert!(pages.join(page).exists(), "{page}");
    }
}

/// Whether the process has a handler for SIGINT, the second bit of the mask.
fn handles_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    u64::from_str_radix(mask.unwrap().trim(), 16).unwrap() & 0b10 != 0
}

#[test]
fn an_interrupted_import_leaves_no_copy_of_its_input() {
    let dir = tempfile::tempdir().unwrap();
    let copies = dir.path().join("tmp");
    fs::create_dir(&copies).unwrap();
    let mut import = Command::new(env!("CARGO_BIN_EXE_addressbook"));
    let mut import = import
        .args(["import", "-"])
        .env_clear()
        .env("XDG_STATE_HOME", dir.path())
        .env("TMPDIR", &copies)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    input.write_all(b"BEGIN:VCARD").unwrap();
    let is_copying = || fs::read_dir(&copies).unwrap().next().is_some();
    while !is_copying() || !handles_interrupts(import.id()) {
        assert!(import.try_wait().unwrap().is_none(), "the import has ended");
        yield_now();
    }

    let kill = format!("kill -INT {}", import.id());
    Command::new("sh").args(["-c", &kill]).status().unwrap();

    assert_eq!(import.wait().unwrap().code(), Some(130));
    assert!(!is_copying());
}
