//! The documents are true.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stack::workspace;

/// The pages with commands to paste, in the order in which they are read.
fn pages() -> String {
    read("README.md") + &read("docs/TOUR.md")
}

/// The fenced blocks of the pages with this text after their fence.
pub(crate) fn blocks(info: &str) -> Vec<String> {
    blocks_in(&pages(), info)
}

/// The fenced blocks of a text with this text after their fence.
pub(crate) fn blocks_in(pages: &str, info: &str) -> Vec<String> {
    let mut parts = pages.split("\n```");
    let mut blocks = Vec::new();
    // Every second fence ends a block.
    parts.next();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        if let Some((first, text)) = block.split_once('\n')
            && first == info
        {
            blocks.push(text.to_owned());
        }
    }
    assert!(!blocks.is_empty(), "no page has a block `{info}`");
    blocks
}

/// The blocks of the tour, in order; those that must fail say so.
pub(crate) fn tour() -> Vec<(bool, String)> {
    let pages = pages();
    let at = |text: &str| pages.find(text).unwrap();
    let fails = blocks("sh tour fails").into_iter().map(|text| (true, text));
    let mut tour: Vec<_> = blocks("sh tour")
        .into_iter()
        .map(|text| (false, text))
        .collect();
    tour.extend(fails);
    tour.sort_by_key(|(_, text)| at(text));
    tour
}

pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap()
}

#[test]
fn the_page_of_settings_is_what_the_programs_say() {
    let checked = Command::new(env!("CARGO_BIN_EXE_dev"))
        .args(["configuration", "--check"])
        .env_remove("CARGO")
        .output()
        .unwrap();

    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn the_reference_is_what_the_protos_say() {
    let checked = Command::new(env!("CARGO_BIN_EXE_dev"))
        .args(["reference", "--check"])
        .output()
        .unwrap();

    assert!(checked.status.success(), "{checked:?}");
}

/// Numbers at the limits of a setting's type: each is refused with the setting's name,
/// unless it has a meaning.
#[test]
fn no_setting_takes_a_number_that_breaks_the_service() {
    let meaningful = [
        // At once.
        ("SHUTDOWN_LEAD_SECONDS", "0"),
        ("SHUTDOWN_GRACE_SECONDS", "0"),
        // None.
        ("REFRESH_GRACE_SECONDS", "0"),
        ("TOKEN_LEEWAY_SECONDS", "0"),
        ("LOG_IN_ADDRESS_FAILURES", "0"),
        ("SEARCH_MEMORY_MIB", "0"),
        ("PASSWORD_PEPPER_KID", "0"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
        // Never.
        ("UNVERIFIED_ACCOUNT_SECONDS", "0"),
        // 4 GiB.
        ("CONTACT_BYTES_QUOTA", "4294967295"),
        ("CONNECTION_ANSWER_BYTES", "4294967295"),
        ("USER_ANSWER_BYTES", "4294967295"),
        ("CLIENT_REQUEST_BYTES", "4294967295"),
        ("CONNECTION_REQUEST_BYTES", "4294967295"),
    ];
    let mut numbers = 0;
    for service in ["auth-service", "contacts-service"] {
        for name in settings(service).into_keys() {
            let is_text = |told: &str| !told.starts_with("error: invalid value");
            if refused(service, &name, "text").is_none_or(|told| is_text(&told)) {
                continue;
            }
            numbers += 1;
            for number in ["0", "-1", "4294967295", "18446744073709551615"] {
                let refused = refused(service, &name, number);
                let is_meant = meaningful.contains(&(&name, number));
                assert_eq!(refused.is_none(), is_meant, "{service} {name}={number}");
                let flag = format!("'--{}", name.to_lowercase().replace('_', "-"));
                assert!(refused.is_none_or(|text| text.contains(&flag)), "{name}");
            }
        }
    }
    assert!(numbers > 30, "{numbers}");
}

/// The error of `serve` for this value of a setting, if it refuses it. An accepted value
/// leads to the error of a missing key file.
fn refused(service: &str, name: &str, value: &str) -> Option<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name(service);
    let ended = Command::new(program)
        .arg("serve")
        .env_clear()
        .env("DATABASE_URL", "postgres://127.0.0.1/none")
        .env("SECRET_KEYS_FILE", "/nowhere")
        .env("PASSWORD_PEPPER_FILE", "/nowhere")
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env(name, value)
        .output()
        .unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    (ended.status.code() == Some(2)).then_some(told)
}

#[test]
fn every_kind_of_event_is_told_to_operators() {
    let (source, manual) = (
        read("auth-service/src/model/audit.rs"),
        read("docs/OPERATIONS.md"),
    );
    let names = source.lines().filter_map(|line| {
        let (_, name) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
        name.strip_suffix("\",")
    });
    let names: Vec<_> = names.collect();

    assert!(names.len() > 30, "{names:?}");
    let proto = read("proto/addressbook/auth/v1/admin_service.proto");
    for name in names {
        assert!(manual.contains(&format!("`{name}`")), "{name}");
        let value = format!("  AUDIT_EVENT_KIND_{} = ", name.to_uppercase());
        assert!(
            proto.contains(&value),
            "{name} is no value of AuditEventKind"
        );
    }
}

#[test]
fn every_flag_is_named_like_its_variable() {
    for service in ["auth-service", "contacts-service"] {
        let help = help_of(service);
        let mut flag = "";
        let mut pairs = 0;
        for line in help.lines().map(str::trim) {
            if line.starts_with("--") {
                flag = line.split([' ', '<']).next().unwrap();
            } else if let Some((_, text)) = line.split_once("[env: ") {
                let variable = text.split(['=', ']']).next().unwrap();
                let expected = format!("--{}", variable.to_lowercase().replace('_', "-"));
                assert_eq!(flag, expected, "of {service}");
                pairs += 1;
            }
        }
        assert!(pairs > 10, "{help}");
    }
}

/// The variables that `serve --help` names, with their defaults.
fn settings(service: &str) -> BTreeMap<String, Option<String>> {
    let help = help_of(service);
    let words = help.replace('\n', " ");
    let settings: BTreeMap<_, _> = words
        .split("[env: ")
        .skip(1)
        .map(|text| {
            let (name, rest) = text.split_once(']').unwrap();
            let name = name.trim_end_matches('=');
            let default = rest.trim_start().strip_prefix("[default: ");
            let default = default.and_then(|rest| rest.split_once(']'));
            (name.to_owned(), default.map(|(value, _)| value.to_owned()))
        })
        .collect();
    assert!(settings.len() > 10, "{help}");
    settings
}

fn help_of(service: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name(service);
    let help = Command::new(program)
        .args(["serve", "--help"])
        .env_clear()
        .output()
        .unwrap();
    String::from_utf8(help.stdout).unwrap()
}
