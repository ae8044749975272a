//! Files are imported and exported by the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::cli::Cli;
use crate::stack::Stack;

/// A vCard file of people with these names; an empty one is refused.
pub(crate) fn cards(names: impl IntoIterator<Item = String>) -> String {
    let cards = names
        .into_iter()
        .map(|name| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEND:VCARD\r\n"));
    cards.collect()
}

#[test]
fn refused_cards_are_mended_and_imported_again() {
    let cli = Cli::shared();
    let names = ["Hans Müller", "", "Odd\r\nBDAY:12/04/1985"].map(str::to_owned);
    let file = cli.file("people.vcf", &cards(names));

    let imported = cli.run(&["import", "people.vcf", "--label", "Imported"]);

    imported.assert(14);
    assert!(
        imported
            .said
            .contains("2 new, 0 changed, 0 as before, 1 refused, 1 with warnings"),
        "{}",
        imported.said
    );
    for fact in ["WHY IT WAS REFUSED", "WARNINGS", "FN:Odd | BDAY:12/04/1985"] {
        assert!(imported.said.contains(fact), "{fact}: {}", imported.said);
    }
    assert_eq!(cli.json(&["list", "--filter", "labels:Imported"]).len(), 2);
    let failed = file.with_extension("failed.vcf");
    let text = fs::read_to_string(&failed).unwrap();
    assert_eq!(text, cards([String::new()]));
    fs::write(&failed, text.replace("FN:", "FN:Lise Meitner")).unwrap();
    let mended = cli.run(&["import", "people.failed.vcf"]);
    assert!(mended.assert(0).said.contains("1 new"), "{}", mended.said);
    assert_eq!(cli.json(&["list"]).len(), 3);
    // What was mended is not overwritten.
    let again = cli.run(&["import", "people.vcf"]);
    assert!(
        again.assert(14).errors.contains("people.failed-2.vcf"),
        "{}",
        again.errors
    );
    assert!(fs::read_to_string(&failed).unwrap().contains("Meitner"));
}

#[test]
fn a_repeated_import_stores_nothing_twice() {
    let cli = Cli::shared();
    cli.file(
        "people.vcf",
        &cards((0..501).map(|number| format!("Person {number}"))),
    );

    let dry = cli.run(&["import", "--dry-run", "people.vcf"]);
    assert!(dry.assert(0).said.contains("501 new"), "{}", dry.said);
    assert_eq!(cli.json(&["list"]).len(), 0);
    cli.run(&["import", "people.vcf"]).assert(0);
    let again = cli.json(&["import", "people.vcf"]);

    let summary = &again.last().unwrap()["summary"];
    assert_eq!(summary["skipped"], "501", "{summary}");
    assert_eq!(again.len(), 1, "the cards are not refused");
    let stored = cli.json(&["list"]);
    assert_eq!(stored.len(), 501);
    cli.run(&["delete", stored[0]["id"].as_str().unwrap()])
        .assert(0);
    cli.run(&["import", "people.vcf"]).assert(0);
    assert_eq!(cli.json(&["list"]).len(), 500);
}

#[test]
fn cards_without_a_uid_are_stored_again_if_asked_for() {
    let cli = Cli::shared();
    cli.file("people.vcf", &cards(["Hans", "Grace"].map(str::to_owned)));
    cli.run(&["import", "people.vcf"]).assert(0);
    let id = cli.json(&["list"])[0]["id"].as_str().unwrap().to_owned();
    cli.run(&["delete", &id]).assert(0);

    let again = cli.run(&["import", "people.vcf"]);
    assert!(again.assert(0).errors.contains("--as-new"));
    assert_eq!(cli.json(&["list"]).len(), 1);
    cli.run(&["import", "--as-new", "people.vcf"]).assert(0);

    // The one that was not deleted is there twice, as the help says.
    assert_eq!(cli.json(&["list"]).len(), 3);
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let cli = Cli::shared();
    cli.file("people.vcf", &cards(["Hans".to_owned()]));
    cli.file("letter.txt", "Dear Hans");

    let all = cli.run(&["import", "missing.vcf", ".", "letter.txt", "people.vcf"]);

    all.assert(14);
    for fact in [
        "missing.vcf",
        ". is not a regular file",
        "letter.txt: the file is not",
    ] {
        assert!(all.errors.contains(fact), "{fact}: {}", all.errors);
    }
    assert!(all.said.contains("people.vcf: 1 new"), "{}", all.said);
    cli.run(&["import", "."]).assert(13);
    let piped = cli.typing(&["import", "-"], &cards(["Grace".to_owned()]));
    assert!(piped.assert(0).said.contains("-: 1 new"), "{}", piped.said);
    assert_eq!(cli.json(&["list"]).len(), 2);
}

#[test]
fn an_import_goes_on_after_its_service_was_killed() {
    let stack = Stack::start(&[]);
    let cli = Cli::of(&stack, "ada@example.com");
    cli.file(
        "people.vcf",
        &cards((0..6_000).map(|number| format!("Person {number}"))),
    );
    let mut child = cli.command(&["import", "people.vcf"]).spawn().unwrap();
    testing::until("some are stored", || {
        cli.json(&["list", "--limit", "1"]).len() == 1
    });

    stack.kill("contacts-service");

    assert!(child.wait().unwrap().success());
    assert_eq!(cli.json(&["list"]).len(), 6_000);
}

#[test]
fn a_table_is_imported_by_its_columns() {
    let cli = Cli::shared();
    cli.file(
        "club.csv",
        "Surname;Forename;Mail\nMüller;Hans;hans@example.com\n\u{200b};;\n",
    );
    let args = [
        "import",
        "--format",
        "csv",
        "--column",
        "Surname=family_name",
        "--column",
        "Forename=given_name",
        "--column",
        "Mail=emails[0].address",
        "--failures",
        "bad.csv",
        "club.csv",
    ];

    let imported = cli.run(&args);

    imported.assert(14);
    assert_eq!(cli.json(&["list"])[0]["displayName"], "Hans Müller");
    let failed = fs::read_to_string(cli.file_path("bad.csv")).unwrap();
    assert_eq!(failed, "Surname;Forename;Mail\n\u{200b};;\n");
}

#[test]
fn each_refused_card_is_told_to_programs() {
    let cli = Cli::shared();
    cli.file("people.vcf", &cards(["Hans".to_owned(), String::new()]));

    let done = cli.run(&["--json", "import", "people.vcf"]);

    let lines: Vec<Value> = done
        .assert(14)
        .said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["error"]["kind"], "Invalid");
    assert_eq!(lines[0]["outcome"], "IMPORT_OUTCOME_FAILED");
    assert_eq!(lines[1]["summary"]["failed"], "1");
}

#[test]
fn an_exported_file_is_imported_by_another_user() {
    let cli = Cli::shared();
    let other = Cli::shared();
    let names = (0..600).map(|number| format!("Person {number}"));
    cli.file("people.vcf", &cards(names));
    cli.run(&["import", "people.vcf", "--label", "Rowing"])
        .assert(0);
    cli.run(&["add", "--given-name", "Unlabelled"]).assert(0);

    let exported = cli.run(&["export", "out.vcf", "--filter", "labels:Rowing"]);

    assert!(
        exported
            .assert(0)
            .errors
            .contains("600 contacts are in out.vcf")
    );
    let text = fs::read_to_string(cli.file_path("out.vcf")).unwrap();
    let mode = fs::metadata(cli.file_path("out.vcf"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for file in [&[][..], &["-"]] {
        let export = [&["export", "--filter", "labels:Rowing"], file].concat();
        assert_eq!(cli.run(&export).said, text);
    }
    cli.run(&["export", "out.vcf"]).assert(13);
    cli.run(&["export", "out.vcf", "--force", "--format", "vcard3"])
        .assert(0);
    other.file("out.vcf", &text);
    other.run(&["import", "out.vcf"]).assert(0);
    assert_eq!(
        other.json(&["list", "--filter", "labels:Rowing"]).len(),
        600
    );
    let lines = cli.run(&["export", "--format", "json-lines"]).said;
    assert_eq!(lines.lines().count(), 601);
    cli.run(&["export", "--format", "google-csv", "--photos"])
        .assert(6);
}
