//! The rules of the house that neither the compiler nor clippy knows.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

mod crates;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crates::CRATES;
use sources::{all, dependencies, forbid, has_word, read, root, sources};

const SERVICES: [&str; 2] = ["auth-service", "contacts-service"];

#[test]
fn crates_depend_downwards_only() {
    assert_eq!(dependencies("proto", true), [""; 0]);
    assert_eq!(dependencies("embedded-postgres", true), [""; 0]);
    assert_eq!(dependencies("wires", true), [""; 0]);
    assert_eq!(dependencies("card-formats", true), ["proto"]);
    assert_eq!(dependencies("chassis", false), ["proto", "wires"]);
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
            let holds = source.is_in("src/database/")
                // Names what sqlx calls its log of statements.
                || source.path == "chassis/src/trace/statements.rs";
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
    let long: Vec<_> = all()
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
