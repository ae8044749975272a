//! Accounts and contacts by the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proto::contacts::v1::ListContactsRequest;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use serde_json::Value;
use testing::{bearer, endpoint};

use crate::cli::{Cli, PASSWORD, unique_email};
use crate::mail;

fn add(cli: &Cli) -> Value {
    let [added] = cli
        .json(&[
            "add",
            "--given-name",
            "Hans",
            "--family-name",
            "Müller",
            "--email",
            "work=hans@example.com",
            "--phone",
            "030 123456",
            "--region",
            "DE",
            "--birthday",
            "--02-29",
            "--label",
            "Rowing",
        ])
        .try_into()
        .unwrap();
    added
}

#[test]
fn contacts_are_added_found_shown_and_deleted() {
    let cli = Cli::shared();

    let added = add(&cli);
    assert_eq!(added["displayName"], "Hans Müller");
    assert_eq!(added["phones"][0]["e164"], "+4930123456");
    let id = added["id"].as_str().unwrap();

    let listed = cli.run(&["list"]);
    listed.assert(0);
    assert!(listed.said.starts_with("NAME"), "{}", listed.said);
    assert!(listed.said.contains("hans@example.com"), "{}", listed.said);
    assert!(!listed.said.contains('\x1b'), "{}", listed.said);
    assert_eq!(
        cli.json(&["list", "--filter", "labels:\"Rowing\""])[0],
        added
    );
    assert_eq!(cli.json(&["search", "muller"])[0]["contact"], added);

    let shown = cli.run(&["show", "muller"]);
    for fact in ["e-mail (work)", "--02-29", "Rowing", id] {
        assert!(shown.said.contains(fact), "{fact}: {}", shown.said);
    }

    cli.run(&["delete", id]).assert(0);
    assert_eq!(cli.json(&["list"]), [Value::Null; 0]);
    assert_eq!(cli.json(&["list", "--deleted"])[0]["id"], id);
    cli.run(&["undelete", id]).assert(0);
    assert_eq!(cli.json(&["list"]).len(), 1);
}

#[test]
fn a_contact_is_added_as_it_was_shown() {
    let cli = Cli::shared();
    let mut first = add(&cli);

    let again = cli.typing(&["--json", "add", "--from", "-"], &first.to_string());

    // The uid is taken.
    assert_eq!(again.assert(7).said, "");
    let failure: Value = serde_json::from_str(&again.errors).unwrap();
    assert_eq!(failure["error"]["reason"], "UID_TAKEN");
    first.as_object_mut().unwrap().remove("uid");
    let args = ["--json", "add", "--region", "DE", "--from", "-"];
    let again = cli.typing(&args, &first.to_string());
    let again: Value = serde_json::from_str(&again.assert(0).said).unwrap();
    for field in ["displayName", "phones", "emails", "birthday", "labels"] {
        assert_eq!(again[field], first[field]);
    }
}

#[test]
fn a_name_of_several_contacts_is_refused_with_their_ids() {
    let cli = Cli::shared();
    let ids = [add(&cli), add(&cli)].map(|contact| contact["id"].as_str().unwrap().to_owned());

    let shown = cli.run(&["show", "muller"]);

    shown.assert(6);
    assert!(
        ids.iter().all(|id| shown.errors.contains(id)),
        "{}",
        shown.errors
    );
}

#[test]
fn a_similar_name_is_not_taken_for_the_name() {
    let cli = Cli::shared();
    let add = |name| cli.json(&["add", "--given-name", "Grace", "--family-name", name]);
    let id = add("Hopper")[0]["id"].as_str().unwrap().to_owned();

    let similar = cli.run(&["photo", "delete", "hoppar"]);

    assert!(similar.assert(5).errors.contains(&id), "{}", similar.errors);
    add("Hoppar");
    let shown = cli.run(&["show", "hoppar"]);
    assert!(shown.assert(0).said.contains("Hoppar"), "{}", shown.said);
}

#[test]
fn the_exit_code_is_the_kind_of_failure() {
    let cli = Cli::shared();

    cli.run(&["nonsense"]).assert(2);
    let other = cli.run(&["--profile", "other", "list"]);
    let log_in = "addressbook --profile \"other\" login";
    assert!(other.assert(3).errors.contains(log_in), "{}", other.errors);
    let wrong = cli.typing(&["login", &cli.email], "wrong password\n");
    assert!(
        !wrong.assert(3).errors.contains("Log in"),
        "a log-in failed"
    );
    cli.run(&["list", "--owner", "0190b5d4-7a00-7000-8000-000000000000"])
        .assert(5);
    cli.run(&["show", "nobody"]).assert(5);
    let invalid = cli.run(&["add", "--given-name", "Eve", "--email", "nowhere"]);
    assert!(
        invalid
            .assert(6)
            .errors
            .contains("contact.emails[0].address")
    );
    cli.typing(&["account", "sign-up", &cli.email], PASSWORD)
        .assert(7);
    cli.typing(&["account", "totp", "enable"], PASSWORD)
        .assert(8);
    let gone = ["login", &cli.email, "--auth", "http://127.0.0.1:9"];
    cli.typing(&gone, PASSWORD).assert(11);
    cli.run(&["add", "--from", "nowhere.json"]).assert(13);
    let unknown = cli.typing(&["add", "--from", "-"], "{\"given\": \"Eve\"}");
    assert!(
        unknown.assert(6).errors.contains("given"),
        "{}",
        unknown.errors
    );
}

#[tokio::test]
async fn a_token_is_printed_for_other_clients() {
    let cli = Cli::shared();

    let token = cli.run(&["token"]);

    let channel = endpoint(&cli.stack().contacts).connect().await.unwrap();
    let request = bearer(ListContactsRequest::default(), token.assert(0).said.trim());
    let listed = ContactsServiceClient::new(channel)
        .list_contacts(request)
        .await;
    assert_eq!(listed.unwrap().into_inner().total_size, Some(0));
}

#[test]
fn each_profile_has_its_account_in_a_file_of_its_own() {
    let cli = Cli::shared();
    let grace = unique_email();
    let other = ["--profile", "work", "account", "sign-up", &grace];
    cli.typing(&other, PASSWORD).assert(0);

    let email = |args: &[&str]| {
        cli.json(&[args, &["account", "show"]].concat())[0]["user"]["email"].clone()
    };
    assert_eq!(email(&[]), *cli.email);
    assert_eq!(email(&["--profile", "work"]), *grace);
    let by_variable = cli
        .command(&["--json", "account", "show"])
        .env("ADDRESSBOOK_PROFILE", "work")
        .output();
    assert!(
        String::from_utf8(by_variable.unwrap().stdout)
            .unwrap()
            .contains(&grace)
    );
    let mode = fs::metadata(cli.profile("work"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    cli.run(&["logout"]).assert(0);
    cli.run(&["list"]).assert(3);
    assert_eq!(email(&["--profile", "work"]), *grace);
    // The servers and the e-mail are known.
    cli.typing(&["login"], PASSWORD).assert(0);
    assert_eq!(email(&[]), *cli.email);
}

#[test]
fn a_password_is_changed_and_an_account_deleted() {
    let cli = Cli::shared();
    let new = "the heron naps at nine";

    cli.typing(
        &["account", "change-password"],
        &format!("{PASSWORD}\n{new}\n"),
    )
    .assert(0);
    cli.run(&["list"]).assert(0);
    cli.typing(&["account", "delete"], new).assert(6);
    cli.typing(&["account", "delete", "--yes"], new).assert(0);

    cli.run(&["list"]).assert(3);
    cli.typing(&["login"], new).assert(3);
}

#[test]
fn a_forgotten_password_is_replaced_with_the_mails_link() {
    let cli = Cli::shared();
    let new = "the heron naps at nine";

    cli.run(&["account", "forgot-password"]).assert(0);
    let token = mail::reset_token(cli.stack(), &cli.email);
    let typed = format!("https://addressbook.example.com/reset#token={token}\n{new}\n");
    cli.typing(&["account", "reset-password"], &typed).assert(0);

    cli.typing(&["login"], PASSWORD).assert(3);
    cli.typing(&["login"], new).assert(0);
}
