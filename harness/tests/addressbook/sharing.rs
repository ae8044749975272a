//! Labels, duplicates, shares, sessions and changes by the command line.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::cli::{Cli, PASSWORD};
use crate::mail;
use crate::stack::Stack;

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn add(cli: &Cli, given: &str, args: &[&str]) -> Value {
    let all = [&["add", "--given-name", given], args].concat();
    cli.json(&all).remove(0)
}

#[test]
fn labels_are_created_given_renamed_and_deleted() {
    let cli = Cli::shared();
    let hans = add(&cli, "Hans", &[]);

    cli.run(&["labels", "create", "Rowing"]).assert(0);
    cli.run(&["labels", "create", "rowing"]).assert(7);
    cli.run(&["labels", "add", "rowing", id(&hans)]).assert(0);
    cli.run(&["labels", "rename", "Rowing", "Boats"]).assert(0);

    let labels = cli.json(&["labels", "list"]);
    assert_eq!(labels[0]["name"], "Boats");
    assert_eq!(labels[0]["contactCount"], "1");
    let table = cli.run(&["labels", "list"]).said;
    assert!(table.starts_with("LABEL"), "{table}");
    cli.run(&["labels", "remove", "Boats", id(&hans)]).assert(0);
    cli.run(&["labels", "delete", "Boats"]).assert(0);
    cli.run(&["labels", "delete", "Boats"]).assert(5);
    assert_eq!(cli.json(&["labels", "list"]), [Value::Null; 0]);
}

#[test]
fn duplicates_are_found_merged_and_unmerged() {
    let cli = Cli::shared();
    let email = ["--email", "hans@example.com"];
    let (one, other) = (add(&cli, "Hans", &email), add(&cli, "Hans", &email));

    let found = cli.run(&["duplicates"]).said;
    assert!(found.contains("same e-mail"), "{found}");
    let printed = format!("addressbook merge {} {}", id(&one), id(&other));
    assert!(found.contains(&printed), "{found}");
    let merge = ["merge", id(&one), id(&other)];
    let merged = cli.json(&merge).remove(0);
    assert_eq!(cli.json(&["list"]).len(), 1);
    cli.run(&["unmerge", merged["mergeId"].as_str().unwrap()])
        .assert(0);
    assert_eq!(cli.json(&["list"]).len(), 2);

    cli.run(&["duplicates", "--ignore", id(&one), id(&other)])
        .assert(0);
    assert_eq!(cli.json(&["duplicates"]), [Value::Null; 0]);
}

#[test]
fn birthdays_are_listed_with_their_age() {
    let cli = Cli::shared();
    add(&cli, "Hans", &["--birthday", "1990-07-01"]);
    add(&cli, "Grace", &["--birthday", "--12-09"]);

    let listed = cli.run(&["birthdays", "--days", "366"]);

    listed.assert(0);
    assert!(listed.said.contains("birthday ("), "{}", listed.said);
    assert!(listed.said.contains("Grace"), "{}", listed.said);
    cli.run(&["birthdays", "--days", "367"]).assert(6);
    let listed = cli.json(&["birthdays", "--days", "366", "--events"]);
    assert_eq!(listed.len(), 2);
}

#[test]
fn a_contact_is_edited_as_a_text() {
    let cli = Cli::shared();
    let hans = add(&cli, "Hans", &["--notes", "one", "--phone", "030 123456"]);
    let edit = |script: &str| {
        let editor = cli.file("editor", &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = cli.command(&["--json", "edit", "hans"]);
        command.env("EDITOR", format!("{} ", editor.display()));
        command.stdin(Stdio::null()).output().unwrap().into()
    };

    let same: crate::cli::Done = edit("true");
    assert!(same.assert(0).errors.contains("Nothing has changed"));
    let failed = edit("exit 1");
    let errors = &failed.assert(13).errors;
    assert!(!errors.contains("The text is in"), "{errors}");
    let done = edit(r#"sed -i 's/^givenName.*/givenName = "Johann"/; /^notes/d' "$1""#);
    let edited: Value = serde_json::from_str(&done.assert(0).said).unwrap();
    assert_eq!(edited["givenName"], "Johann");
    assert_eq!(edited["notes"], Value::Null);
    assert_eq!(edited["phones"], hans["phones"]);
    assert_eq!(edited["uid"], hans["uid"]);
    let mut command = cli.command(&["edit", id(&hans)]);
    let wrong = command
        .env("EDITOR", "echo 'nonsense = 1' >> ")
        .stdin(Stdio::null());
    let wrong: crate::cli::Done = wrong.output().unwrap().into();
    assert!(
        wrong.assert(6).errors.contains("The text is in "),
        "{}",
        wrong.errors
    );
}

#[test]
fn sessions_are_listed_and_ended() {
    let cli = Cli::shared();
    let other = ["--profile", "other", "login", &cli.email];
    cli.typing(&other, PASSWORD).assert(0);

    let sessions = cli.json(&["sessions", "list"]);
    assert_eq!(sessions.len(), 2);
    let own = sessions
        .iter()
        .find(|session| session["current"] == true)
        .unwrap();
    let table = cli.run(&["sessions", "list"]).said;
    assert!(table.contains("(this one)"), "{table}");
    cli.run(&["--profile", "other", "sessions", "revoke", id(own)])
        .assert(0);
    cli.run(&["sessions", "list"]).assert(3);
    cli.run(&["--profile", "other", "sessions", "revoke-others"])
        .assert(0);
}

#[test]
fn contacts_are_shared_and_read_by_their_recipient() {
    let (ada, grace) = (Cli::shared(), Cli::shared());
    for cli in [&ada, &grace] {
        cli.run(&["account", "send-verification"]).assert(0);
        let token = mail::token(cli.stack(), &cli.email);
        let link = format!("https://addressbook.example.com/verify#token={token}");
        cli.typing(&["account", "verify"], &link).assert(0);
    }
    add(&ada, "Hans", &["--label", "Rowing"]);
    add(&ada, "Secret", &[]);

    let share = [
        "share",
        "create",
        &grace.email,
        "--label",
        "rowing",
        "--role",
        "editor",
    ];
    let offered = ada.json(&share).remove(0);
    assert_eq!(
        grace.json(&["share", "received"])[0]["state"],
        "SHARE_STATE_OFFERED"
    );
    let accepted = grace.json(&["share", "accept", id(&offered)]).remove(0);
    let owner = accepted["ownerId"].as_str().unwrap();

    let shared = grace.json(&["list", "--owner", owner]);
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0]["displayName"], "Hans");
    assert_eq!(grace.json(&["list", "--all-owners"])[0]["ownerId"], owner);
    ada.run(&["share", "role", id(&offered), "reader"])
        .assert(0);
    grace
        .run(&["delete", id(&shared[0]), "--owner", owner])
        .assert(4);
    assert!(ada.run(&["share", "list"]).said.contains("accepted"));
    grace.run(&["share", "end", id(&offered)]).assert(0);
    assert_eq!(ada.json(&["share", "list"]), [Value::Null; 0]);
}

#[test]
fn changes_are_printed_as_they_happen_and_after_an_interruption() {
    let stack = Stack::start(&[]);
    let cli = Cli::of(&stack, "ada@example.com");
    add(&cli, "Before", &[]);
    let mut child = cli
        .command(&["--json", "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |member: &str| loop {
        let line = lines.next().unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        if !event[member].is_null() {
            break event;
        }
    };
    next("caughtUp");

    add(&cli, "Hans", &[]);
    assert_eq!(next("changed")["changed"]["displayName"], "Hans");
    stack.kill("contacts-service");
    let late = add(&cli, "Late", &[]);
    let event = next("changed");
    assert_eq!(event["changed"]["displayName"], "Late");
    cli.run(&["delete", id(&late)]).assert(0);
    assert_eq!(next("deleted")["deleted"], late["id"]);

    child.kill().unwrap();
    child.wait().unwrap();
    let token = event["syncToken"].as_str().unwrap();
    let mut child = cli
        .command(&["--json", "watch", "--token", token])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["deleted"], late["id"]);
    // As `head -n 1` does.
    drop(lines);
    assert!(child.wait().unwrap().success());
}
