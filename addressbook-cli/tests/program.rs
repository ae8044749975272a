//! The program without a server.

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
