//! Every statement on an owner's rows names the owner; checked in the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The string literals of a source: `"…"`, `r"…"` and `r#"…"#`.
fn literals(source: &str) -> Vec<String> {
    let code: Vec<_> = source
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("//") {
                ""
            } else {
                line
            }
        })
        .collect();
    let code = code.join("\n");
    let mut literals = Vec::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        let end = if before.ends_with("r#") { "\"#" } else { "\"" };
        let Some(length) = from[1..].find(end) else {
            break;
        };
        literals.push(from[1..=length].to_owned());
        rest = &from[1 + length + end.len()..];
    }
    literals
}

/// The statements of a service that touch one of these tables.
fn statements(service: &str, tables: &[&str]) -> Vec<String> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(service)
        .join("src/store");
    let mut files = Vec::new();
    rust_files(&store, &mut files);
    let sources = files.iter().map(|file| fs::read_to_string(file).unwrap());
    sources
        .flat_map(|source| literals(&source))
        .filter(|literal| tables.iter().any(|table| literal.contains(table)))
        .collect()
}

#[test]
fn literals_are_found() {
    let source = r##"
        // "not this"
        let a = "one";
        let b = r"two"; let c = r#"three "quoted" words"#;
    "##;

    assert_eq!(literals(source), ["one", "two", "three \"quoted\" words"]);
}

#[test]
fn every_statement_on_contacts_names_the_owner() {
    let tables = [
        "contacts.contacts",
        "contacts.labels",
        "contacts.ignored_duplicates",
        "contacts.merges",
        "contacts.owner_state",
        "contacts.requests",
        "contacts.revisions",
        "contacts.tombstones",
    ];
    let statements = statements("contacts-service", &tables);

    assert!(statements.len() >= 10, "{}", statements.len());
    for statement in statements {
        assert!(statement.contains("owner_id"), "{statement}");
    }
}

#[test]
fn the_owner_is_the_first_that_a_statement_on_contacts_asks_for() {
    // The purge selects the owners of expired contacts, and nothing else.
    let whose = |statement: &String| {
        let select = statement
            .trim_start()
            .starts_with("SELECT DISTINCT owner_id ");
        select && statement.contains("WHERE delete_time < $1")
    };
    let mut statements = statements("contacts-service", &["contacts.contacts"]);
    let all = statements.len();
    statements.retain(|statement| !whose(statement));
    assert_eq!(all - statements.len(), 1);
    for statement in statements {
        let conditions = statement.split("WHERE ").skip(1);
        for condition in conditions {
            let column = condition.trim_start_matches("o.");
            assert!(column.starts_with("owner_id = "), "{statement}");
        }
    }
}

#[test]
fn every_statement_on_sessions_names_the_user() {
    let tables = ["auth.sessions", "auth.audit_events"];
    let statements = statements("auth-service", &tables);

    assert!(statements.len() >= 5, "{}", statements.len());
    for statement in statements {
        assert!(statement.contains("user_id"), "{statement}");
    }
}

/// An address can change hands between any two statements, so every statement that
/// changes or locks its row must name its user. The other statements only look the user
/// up.
#[test]
fn every_statement_that_holds_or_changes_an_email_names_the_user() {
    let mut statements = statements("auth-service", &["auth.emails"]);
    statements.retain(|statement| {
        [
            "UPDATE auth.emails",
            "DELETE FROM auth.emails",
            "FOR ",
            "SELECT $",
        ]
        .iter()
        .any(|word| statement.contains(word))
    });

    assert!(statements.len() >= 7, "{}", statements.len());
    for statement in statements {
        assert!(statement.contains("user_id = $"), "{statement}");
    }
}
