//! Writes the settings as a page, a table for each group.

use std::fmt::Write as _;

use super::help::Setting;

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `cargo dev configuration` from the services' `--help`. -->

Every setting is an environment variable and a flag with the same name: `LISTEN_ADDR` is \
`--listen-addr`. An empty variable counts as one that is not set. A service refuses to start with a \
value that it cannot use, and says which.

`auth-service --help` and `contacts-service --help` list the sub-commands `serve`, `migrate`, \
`health` and `generate-key`; the auth service also has `make-admin`. `migrate` also takes \
`AUTH_ROLE_PASSWORD_FILE` and `CONTACTS_ROLE_PASSWORD_FILE`, files with the passwords to set for the \
services' database roles; `health` takes `HEALTH_CERT_FILE` and `HEALTH_KEY_FILE` \
([TLS](OPERATIONS.md#tls)). `RUST_LOG` chooses what is logged, such as `info,auth_service=debug`.
";

/// The whole page. A setting of both services is listed once.
pub(super) fn write(auth: &[Setting], contacts: &[Setting]) -> String {
    let only_contacts = contacts
        .iter()
        .filter(|setting| auth.iter().all(|other| other.name != setting.name));
    let all: Vec<_> = auth.iter().chain(only_contacts).collect();
    let mut groups: Vec<&str> = Vec::new();
    for setting in &all {
        if !groups.contains(&&*setting.group) {
            groups.push(&setting.group);
        }
    }

    let mut page = INTRODUCTION.to_owned();
    for group in groups {
        let _ = write!(
            page,
            "\n## {group}\n\n| variable | service | default | meaning |\n|---|---|---|---|\n"
        );
        for setting in all.iter().filter(|setting| setting.group == group) {
            let twin = |of: &[Setting]| of.iter().find(|other| other.name == setting.name).cloned();
            page += &row(setting, twin(auth).as_ref(), twin(contacts).as_ref());
        }
    }
    page
}

fn row(setting: &Setting, auth: Option<&Setting>, contacts: Option<&Setting>) -> String {
    let (service, default) = match (auth, contacts) {
        (Some(auth), Some(contacts)) if default(auth) != default(contacts) => {
            ("both", format!("{}, {}", default(auth), default(contacts)))
        }
        (Some(_), Some(_)) => ("both", default(setting)),
        (Some(_), None) => ("auth", default(setting)),
        _ => ("contacts", default(setting)),
    };
    let mut meaning = setting.text.replace('|', "\\|");
    for value in &setting.values {
        let (value, says) = value.split_once(':').unwrap_or((value, ""));
        let _ = write!(meaning, "; `{value}`: {}", lower_first(says.trim()));
    }
    format!(
        "| `{}` | {service} | {default} | {meaning} |\n",
        setting.name
    )
}

fn default(setting: &Setting) -> String {
    match &setting.default {
        Some(value) => format!("`{value}`"),
        None if setting.is_required => "required".to_owned(),
        None => "-".to_owned(),
    }
}

/// Names such as `EdDSA` and `ECDSA` stay as they are.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() && !text.starts_with("Ed") => {
            first.to_lowercase().chain([second]).chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
