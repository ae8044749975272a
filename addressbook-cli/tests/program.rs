//! The program without a server.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::process::{Command, Output};

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

        assert_eq!(output.status.code(), Some(13), "{name}");
    }
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
