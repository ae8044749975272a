//! The rules of the house that neither the compiler nor clippy knows.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates of this repository.
const CRATES: [&str; 12] = [
    "proto",
    "card-formats",
    "chassis",
    "embedded-postgres",
    "auth-service",
    "contacts-service",
    "addressbook-client",
    "addressbook-cli",
    "harness",
    "instructions",
    "testing",
    "wires",
];
const SERVICES: [&str; 2] = ["auth-service", "contacts-service"];

struct Source {
    /// From the root, as `auth-service/src/main.rs`.
    path: String,
    text: String,
}

impl Source {
    fn krate(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(&format!("{}/{folder}", self.krate()))
    }

    /// Part of a program, not of its tests.
    fn ships(&self) -> bool {
        self.is_in("src/") && self.krate() != "testing"
    }

    /// Lines of code with their numbers; no comments, no unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.split("#[cfg(test)]\nmod ").next();
        let lines = code.unwrap_or_default().lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn collect(folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, sources);
            }
        } else if Path::new(&name).extension().is_some_and(|is| is == "rs") {
            let text = read(&path);
            sources.push(Source { path, text });
        }
    }
}

/// Every Rust file except this one, which names what it forbids.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for krate in CRATES {
        collect(krate, &mut sources);
    }
    sources.retain(|source| source.path != "harness/tests/tidy.rs");
    assert!(sources.len() > 100);
    sources
}

/// Whether the line contains `word` as a whole word.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

/// Fails with the places where a file contains one of `words` that it must not contain.
fn forbid(words: &[&str], where_not: impl Fn(&Source) -> bool, why: &str) {
    let mut found = String::new();
    for source in sources().iter().filter(|source| where_not(source)) {
        for (at, line) in source.code() {
            if words.iter().any(|word| has_word(line, word)) {
                writeln!(found, "{}:{at}: {}", source.path, line.trim()).unwrap();
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{found}");
}

/// The crates of ours that a crate depends on, for tests too if `dev`.
fn dependencies(krate: &str, dev: bool) -> Vec<&'static str> {
    let manifest = read(&format!("{krate}/Cargo.toml"));
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let counts = match section {
            "[dev-dependencies]" => dev,
            _ => section.ends_with("dependencies]"),
        };
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        found.extend(CRATES.into_iter().filter(|krate| counts && *krate == name));
    }
    found.sort_unstable();
    found
}

#[test]
fn crates_depend_downwards_only() {
    assert_eq!(dependencies("proto", true), [""; 0]);
    assert_eq!(dependencies("embedded-postgres", true), [""; 0]);
    assert_eq!(dependencies("wires", true), [""; 0]);
    assert_eq!(dependencies("card-formats", true), ["proto"]);
    assert_eq!(dependencies("chassis", false), ["proto"]);
    assert_eq!(dependencies("auth-service", false), ["chassis", "proto"]);
    let of_contacts = dependencies("contacts-service", false);
    assert_eq!(of_contacts, ["card-formats", "chassis", "proto"]);
    assert_eq!(dependencies("addressbook-client", true), ["proto"]);
    let of_cli = dependencies("addressbook-cli", true);
    assert_eq!(of_cli, ["addressbook-client", "card-formats"]);
}

#[test]
fn services_know_nothing_of_each_other_even_in_tests() {
    for (service, other) in [SERVICES, [SERVICES[1], SERVICES[0]]].map(Into::into) {
        let all = dependencies(service, true);
        assert!(!all.contains(&other), "{service}");
    }
    assert!(
        !dependencies("chassis", true)
            .iter()
            .any(|name| SERVICES.contains(name))
    );
}

#[test]
fn nothing_depends_on_the_harness() {
    for krate in CRATES {
        // The helpers of tests are in no program.
        assert!(!dependencies(krate, false).contains(&"testing"), "{krate}");
        assert!(!dependencies(krate, true).contains(&"harness"), "{krate}");
    }
}

#[test]
fn what_is_below_does_not_call_what_is_above() {
    forbid(
        &["crate::service::", "crate::service;"],
        |source| {
            SERVICES.contains(&source.krate())
                && source.ships()
                && !source.is_in("src/service/")
                && !["lib.rs", "main.rs"].contains(&source.name())
        },
        "only lib.rs and service/ itself name service/",
    );
}

/// Contacts uses the generated `Contact`, because a second type with the same thirty
/// fields would be a copy.
#[test]
fn auths_rules_do_not_know_the_generated_types() {
    forbid(
        &["proto::"],
        |source| {
            source.krate() == "auth-service"
                && source.ships()
                && !source.is_in("src/service/")
                && source.name() != "lib.rs"
        },
        "only service/ and lib.rs name generated types",
    );
}

#[test]
fn sql_is_in_the_store_only() {
    forbid(
        &[
            "sqlx::query",
            "QueryBuilder",
            "raw_sql",
            "AssertSqlSafe",
            "query_as",
            "query_scalar",
        ],
        |source| {
            SERVICES.contains(&source.krate()) && source.ships() && !source.is_in("src/store/")
        },
        "only store/ holds SQL",
    );
    forbid(
        &["sqlx::query", "QueryBuilder", "raw_sql", "AssertSqlSafe"],
        |source| {
            let holds = source.is_in("src/database/");
            source.krate() == "chassis" && source.ships() && !holds
        },
        "only database/ holds SQL in the chassis",
    );
}

#[test]
fn codes_are_chosen_in_one_place() {
    forbid(
        &["Code::", "tonic::Code", "Status::"],
        |source| {
            SERVICES.contains(&source.krate()) && source.ships() && source.name() != "error.rs"
        },
        "only error.rs chooses a code or makes a Status",
    );
}

#[test]
fn errors_are_told_apart_by_kind_and_sqlstate() {
    forbid(
        &["constraint()", "to_string().contains", "message().contains"],
        |source| source.ships() && source.krate() != "harness",
        "a sharded Postgres has other texts and constraint names",
    );
}

#[test]
fn the_environment_is_read_once() {
    forbid(
        &["env::var", "env::vars", "env::var_os", "env::vars_os"],
        |source| {
            (source.ships() || source.name() == "build.rs")
                && !["config.rs", "cli.rs", "build.rs"].contains(&source.name())
        },
        "only config.rs, cli.rs and build scripts read the environment",
    );
}

#[test]
fn the_time_is_asked_for_in_one_place() {
    forbid(
        &[
            "Utc::now",
            "Local::now",
            "SystemTime::now",
            "Zoned::now",
            "Timestamp::now",
        ],
        |source| {
            source.ships()
                && source.name() != "clock.rs"
                // Only marks files as new, as `touch` does.
                && source.path != "harness/src/prepare.rs"
        },
        "only clock.rs asks the machine for the time",
    );
}

#[test]
fn only_the_signer_holds_a_private_key() {
    forbid(
        &[
            "EncodingKey",
            "KeyPair",
            "Ed25519KeyPair",
            "EcdsaKeyPair",
            "from_pkcs8",
            "to_pkcs8",
        ],
        |source| source.ships() && source.path != "auth-service/src/signing_keys/signer.rs",
        "whoever holds a private key can make tokens",
    );
}

#[test]
fn nothing_is_left_for_later() {
    forbid(
        &["todo!", "unimplemented!", "dbg!"],
        |_| true,
        "finish it, or take it out",
    );
    for source in sources() {
        assert!(!source.text.contains("#[ignore"), "{}", source.path);
        for mark in ["TODO", "FIXME", "XXX", "HACK"] {
            assert!(!has_word(&source.text, mark), "{}: {mark}", source.path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{}", source.path);
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.text.lines().count() > 400)
        .map(|source| source.path)
        .collect();

    assert_eq!(long, [""; 0]);
}

#[test]
fn a_modules_name_says_what_is_in_it() {
    for source in sources() {
        for name in ["common", "util", "utils", "helper", "helpers", "misc"] {
            let is_so = source.path.split(['/', '.']).any(|part| part == name);
            assert!(!is_so, "{}", source.path);
        }
    }
}

#[test]
fn every_exception_from_a_lint_has_its_reason() {
    for source in sources() {
        let attributes = source.text.split("#[expect(").skip(1);
        let attributes = attributes.chain(source.text.split("#[allow(").skip(1));
        for attribute in attributes {
            let attribute = attribute.split(")]").next().unwrap_or_default();
            assert!(attribute.contains("reason"), "{}: {attribute}", source.path);
        }
    }
}

/// Migrations that have not landed yet may skip numbers.
#[test]
fn migrations_are_numbered_and_landed_ones_have_no_gaps() {
    let landed = read("migrations/landed.sha256");
    let entries = fs::read_dir(root().join("migrations")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "landed.sha256")
        .collect();
    names.sort();

    let numbers: BTreeSet<_> = names.iter().map(|name| name.split('_').next()).collect();
    assert_eq!(
        numbers.len(),
        names.len(),
        "a number stands twice: {names:?}"
    );
    for (number, name) in (1..).zip(&names) {
        if landed.contains(name.as_str()) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        }
        assert_eq!(Path::new(name).extension().unwrap(), "sql", "{name}");
        let text = read(&format!("migrations/{name}"));
        assert!(
            text.starts_with("-- "),
            "{name} does not say what it is for"
        );
    }
}

/// sqlx runs a file in a transaction, in which `CONCURRENTLY` is not allowed.
#[test]
fn migrations_hold_nothing_that_only_one_postgres_can() {
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().to_uppercase();
        for word in [
            "CONCURRENTLY",
            "SERIAL",
            "BIGSERIAL",
            "IDENTITY",
            "REFERENCES",
            "TRIGGER",
            "GENERATED",
            "CITEXT",
            "EXCLUDE",
            "DEFERRABLE",
            "LOCK TABLE",
            "TRUNCATE",
            "NEXTVAL",
        ] {
            assert!(!has_word(&text, word), "{}: {word}", path.display());
        }
    }
}
