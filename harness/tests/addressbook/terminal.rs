//! What people see at a terminal: a pseudo-terminal of 80 columns.

use std::process::Command;

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::cli::{Cli, PASSWORD};
use crate::import::cards;
use crate::mail;
use crate::stack::Stack;
use crate::totp::{totp_code, totp_secret};

/// How long a question may take to appear.
const PATIENCE_MS: u64 = 180_000;

/// A command at a terminal that echoes what is typed, as terminals do.
fn terminal(cli: &Cli, command: &str) -> PtySession {
    let script = format!("stty sane cols 80 rows 24; {command}");
    let program = cli.command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env_clear().env("TERM", "xterm");
    for (name, value) in program.get_envs() {
        shell.env(name, value.unwrap());
    }
    let folder = std::path::Path::new(program.get_program())
        .parent()
        .unwrap();
    shell.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    shell.current_dir(program.get_current_dir().unwrap());
    spawn_command(shell, Some(PATIENCE_MS)).unwrap()
}

/// All that the command prints until it ends, and its exit code.
fn end(mut session: PtySession) -> (String, i32) {
    let said = session.exp_eof().unwrap();
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, code) => (said, code),
        other => panic!("{other:?}: {said}"),
    }
}

#[test]
fn passwords_are_typed_twice_and_never_shown() {
    let stack = Stack::start(&[]);
    let cli = Cli::new(&stack);
    let mut session = terminal(&cli, "addressbook account sign-up");

    let mut said = session.exp_string("E-mail: ").unwrap();
    session.send_line("ada@example.com").unwrap();
    said += &session.exp_string("New password: ").unwrap();
    session.send_line(PASSWORD).unwrap();
    said += &session.exp_string("The same again: ").unwrap();
    session.send_line(PASSWORD).unwrap();
    let (rest, code) = end(session);

    said += &rest;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("ada@example.com"),
        "typed text is shown: {said}"
    );
    assert!(said.contains("Logged in as ada@example.com."), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    let mut session = terminal(&cli, "addressbook account change-password");
    session.exp_string("Current password: ").unwrap();
    session.send_line(PASSWORD).unwrap();
    session.exp_string("New password: ").unwrap();
    session.send_line("the heron naps at nine").unwrap();
    session.exp_string("The same again: ").unwrap();
    session.send_line("the heron naps at noon").unwrap();
    let (said, code) = end(session);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("different"), "{said}");
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let stack = Stack::start(&[]);
    let cli = Cli::new(&stack);
    let command = "trap : INT; addressbook login ada@example.com; echo \"code $?\"; stty -a";
    let mut session = terminal(&cli, command);

    session.exp_string("Password of ada@example.com: ").unwrap();
    session.send_control('c').unwrap();

    let (said, _) = end(session);
    assert!(said.contains("code 130"), "{said}");
    assert!(said.contains(" echo "), "{said}");
    assert!(!said.contains("-echo "), "{said}");
}

#[test]
fn what_is_typed_in_an_editor_survives_ctrl_c() {
    let cli = Cli::shared();
    cli.run(&["add", "--given-name", "Hans"]).assert(0);
    let edit = |name: &str, script: &str| {
        cli.file("editor", script);
        let mut session = terminal(
            &cli,
            &format!("EDITOR='sh ./editor' exec addressbook edit {name}"),
        );
        session.exp_string("editing").unwrap();
        session.send_control('c').unwrap();
        end(session)
    };

    // One that has another use for it, and goes on.
    let (said, code) = edit(
        "hans",
        "trap 'sed -i s/Hans/Johann/ \"$1\"; exit 0' INT\n\
         echo editing; while :; do read -r line; done\n",
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Johann"), "{said}");
    cli.run(&["show", "johann"]).assert(0);
    let (said, code) = edit(
        "johann",
        "sed -i s/Johann/Eve/ \"$1\"; echo editing; read -r line\n",
    );
    assert_eq!(code, 13, "{said}");
    let path = said.split("The text is in ").nth(1).unwrap();
    let path = path.split(".toml").next().unwrap().to_owned() + ".toml";
    assert!(std::fs::read_to_string(&path).unwrap().contains("Eve"));
}

#[test]
fn an_interrupted_import_is_continued_by_the_same_command() {
    let stack = Stack::start(&[]);
    let cli = Cli::of(&stack, "ada@example.com");
    cli.file(
        "people.vcf",
        &cards((0..6_000).map(|number| format!("Person {number}"))),
    );
    let mut session = terminal(&cli, "exec addressbook import people.vcf");

    session
        .exp_regex(r"people.vcf \[=+.*[1-9][0-9]*00 cards")
        .unwrap();
    session.send_control('c').unwrap();

    let (said, code) = end(session);
    assert_eq!(code, 130, "{said}");
    assert!(said.contains("the same command imports the rest"), "{said}");
    let stored = cli.json(&["list"]).len();
    assert!((1..6_000).contains(&stored), "{stored}");
    let (said, code) = end(terminal(&cli, "exec addressbook import people.vcf"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(" as before, 0 refused"), "{said}");
    assert_eq!(cli.json(&["list"]).len(), 6_000);
}

#[test]
fn a_second_factor_is_enrolled_by_its_picture_and_asked_for() {
    let cli = Cli::shared();
    let token = mail::token(cli.stack(), &cli.email);
    cli.typing(&["account", "verify"], &token).assert(0);
    let mut session = terminal(&cli, "addressbook account totp enable");
    session.exp_string("Password: ").unwrap();
    session.send_line(PASSWORD).unwrap();
    // The bytes are read as characters.
    let picture = session.exp_string("type its secret:").unwrap();
    let picture = picture.chars().map(|byte| byte as u8).collect();
    let picture = String::from_utf8(picture).unwrap();
    assert!(picture.contains("▀") && picture.contains("█"), "{picture}");
    session.read_line().unwrap();
    let secret = totp_secret(&session.read_line().unwrap());
    session.exp_string("Code that the app shows: ").unwrap();
    session.send_line(&totp_code(&secret, 0)).unwrap();
    let (said, code) = end(session);
    assert_eq!(code, 0, "{said}");
    let recovery = said.lines().last().unwrap().trim().to_owned();

    let log_in = |code: &str| {
        let mut session = terminal(&cli, "addressbook login");
        let question = format!("Password of {}: ", cli.email);
        session.exp_string(&question).unwrap();
        session.send_line(PASSWORD).unwrap();
        session.exp_string("or a recovery code: ").unwrap();
        session.send_line("123").unwrap();
        session.exp_string("or a recovery code: ").unwrap();
        session.send_line(code).unwrap();
        let (said, code) = end(session);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("Logged in"), "{said}");
    };
    log_in(&totp_code(&secret, 1));
    log_in(&recovery);
}

#[test]
fn tables_fit_the_terminal_and_have_colours_only_there() {
    let cli = Cli::shared();
    let name = "Wolfeschlegelsteinhausenbergerdorff ".repeat(4);
    let add = [
        "add",
        "--given-name",
        name.trim(),
        "--email",
        "long.address@example.com",
    ];
    cli.run(&add).assert(0);
    let plain = |text: &str| {
        let parts = text.split('\x1b').enumerate();
        let texts = parts.map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('m').unwrap().1,
        });
        texts.collect::<String>()
    };

    let (colours, _) = end(terminal(&cli, "addressbook list"));
    let (none, _) = end(terminal(&cli, "NO_COLOR=1 addressbook list"));

    assert!(colours.contains('\x1b'), "{colours}");
    assert!(!none.contains('\x1b'), "{none}");
    assert_eq!(plain(&colours), none);
    for line in none.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(none.contains("NAME"), "{none}");
    // A table of these columns would not fit.
    let (sessions, _) = end(terminal(&cli, "addressbook sessions list"));
    let seen = sessions.lines().find(|line| line.starts_with("LAST SEEN"));
    assert!(seen.unwrap().trim_end().ends_with('Z'), "{sessions}");
}

#[test]
fn an_account_is_deleted_after_a_question() {
    let cli = Cli::shared();
    let mut session = terminal(&cli, "addressbook account delete");
    session.exp_string("for good? [y/N]: ").unwrap();
    session.send_line("n").unwrap();
    assert_eq!(end(session).1, 6);

    let mut session = terminal(&cli, "addressbook account delete");
    session.exp_string("for good? [y/N]: ").unwrap();
    session.send_line("y").unwrap();
    session.exp_string("Password: ").unwrap();
    session.send_line(PASSWORD).unwrap();

    let (said, code) = end(session);
    assert_eq!(code, 0, "{said}");
    cli.typing(&["login"], PASSWORD).assert(3);
}
