//! The tours of the documents, pasted into a shell with a real grpcurl.

use std::path::Path;
use std::process::{Command, Output};

use crate::documents::{blocks, tour};
use crate::stack::{Stack, workspace};
use crate::tools::grpcurl;

#[test]
fn the_readmes_tour_works_as_pasted() {
    let Some(bin) = grpcurl() else { return };
    let stack = Stack::start(&[]);
    let steps = tour().into_iter().map(|(fails, block)| {
        let block = stack.with_addresses(&block);
        if fails {
            format!("if {{ {block}\n}}; then echo 'no error'; exit 9; fi")
        } else {
            block
        }
    });
    let script = format!("set -eu\n{}", steps.collect::<Vec<_>>().join("\n"));

    let output = bash(&stack, bin, &script);

    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for fact in [
        "1 new, 0 changed",
        "\"displayName\":\"Grace Hopper\"",
        "birthday (",
        "grace@example.com",
        "(this one)",
        "\"email\": \"ada@example.com\"",
        "\"displayName\": \"Hans Müller\"",
        "\"e164\": \"+4930123456\"",
        "\"totalSize\": \"3\"",
        "\"matchTier\": \"MATCH_TIER_FIELD\"",
        "\"daysUntil\":",
        // By curl, without a space.
        "\"matchTier\":\"MATCH_TIER_FIELD\"",
        "{\"contacts\":[{",
        "\"deleteTime\":",
        "\"ownerId\":",
        "\"mediaType\": \"image/png\"",
        "\"chunk\": \"iVBORw0KGgo",
        "\"tokenType\": \"Bearer\"",
    ] {
        assert!(said.contains(fact), "no {fact} in {said}");
    }
    for fact in [
        "InvalidArgument",
        "FIELD_INVALID",
        "contact.emails[0].address",
    ] {
        assert!(errors.contains(fact), "no {fact} in {errors}");
    }
}

/// The tours above use the programs of this build.
#[test]
fn the_readmes_path_is_where_cargo_dev_builds_the_command_line() {
    let cargo = std::fs::read_to_string(workspace().join(".cargo/config.toml")).unwrap();
    let is_optimised = cargo
        .lines()
        .any(|line| line.starts_with("dev = ") && line.contains("--release"));
    let folder = if is_optimised { "release" } else { "debug" };

    let [path] = blocks("sh addressbook").try_into().unwrap();

    assert_eq!(path.trim(), format!("PATH=$PATH:$PWD/target/{folder}"));
}

#[test]
fn the_readmes_administrator_works_as_pasted() {
    let Some(bin) = grpcurl() else { return };
    let stack = Stack::start(&[]);
    let sign_up = stack.with_addresses(&tour()[0].1);
    let admin = blocks("sh admin").concat();
    let readmes = "cargo dev make-admin --email ada@example.com --unverified";
    assert!(admin.contains(readmes), "{admin}");
    let admin = stack.with_addresses(&admin.replace(readmes, &stack.make_admin));

    let output = bash(&stack, bin, &format!("set -eu\n{sign_up}\n{admin}"));

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said} {output:?}");
    for fact in ["can administer", "\"users\": [", "\"admin\""] {
        assert!(said.contains(fact), "no {fact} in {said}");
    }
}

#[test]
fn the_readmes_sharing_works_as_pasted() {
    let Some(bin) = grpcurl() else { return };
    let stack = Stack::start(&[]);
    let sign_up = stack.with_addresses(&tour()[0].1);
    let share = stack.with_addresses(&blocks("sh verify").join("\n"));
    // A person would read the token in the log; sign-up sends one, too.
    let mail = stack.folder().join("mail");
    let read = format!(
        "until TOKEN=$(grep -rhoE 'et1_[A-Za-z0-9_-]{{20,}}' '{}' | grep -m1 .); do sleep 0.1; done",
        mail.display()
    );
    assert!(share.contains("TOKEN=et1_...\n"), "{share}");
    let share = share.replace("TOKEN=et1_...", &read);

    let output = bash(
        &stack,
        bin,
        &format!("set -eu\n{sign_up}\nACCESS=$(addressbook token)\n{share}"),
    );

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said} {output:?}");
    assert!(said.contains("SHARE_STATE_OFFERED"), "{said}");
}

#[test]
fn what_dev_prints_works_as_pasted() {
    let Some(bin) = grpcurl() else { return };
    let stack = Stack::start(&["--seed", "3"]);
    let [log_in, token] = stack.demo_log_in();
    let contacts = &stack.contacts;
    let list = "addressbook.contacts.v1.ContactsService/ListContacts";
    let script = format!(
        "set -eu\n{log_in}\n{token}\naddressbook --json list | wc -l | sed 's/^/listed /'\n\
         grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" {contacts} {list}"
    );

    let output = bash(&stack, bin, &script);

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("listed 3"), "{said} {output:?}");
    assert!(said.contains("\"totalSize\": \"3\""), "{said} {output:?}");
}

#[test]
fn grpcurl_describes_the_services_by_reflection() {
    let Some(bin) = grpcurl() else { return };
    let stack = Stack::start(&[]);

    let list = bash(
        &stack,
        bin,
        &format!("grpcurl -plaintext {} list", stack.auth),
    );
    let contact = format!(
        "grpcurl -plaintext {} describe addressbook.contacts.v1.Contact",
        stack.contacts
    );
    let contact = bash(&stack, bin, &contact);

    let services = String::from_utf8_lossy(&list.stdout);
    assert!(
        services.contains("addressbook.auth.v1.AccountService"),
        "{services}"
    );
    assert!(services.contains("grpc.health.v1.Health"), "{services}");
    let described = String::from_utf8_lossy(&contact.stdout);
    assert!(described.contains("The vCard UID"), "{described}");
}

/// Runs a script in the repository, with a home of its own for `addressbook`.
fn bash(stack: &Stack, bin: &Path, script: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_dev")).parent().unwrap();
    let (programs, bin) = (programs.display(), bin.display());
    let home = tempfile::tempdir().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", script])
        .current_dir(workspace())
        .env(
            "PATH",
            format!("{programs}:{bin}:/usr/local/bin:/usr/bin:/bin"),
        )
        .env("XDG_STATE_HOME", home.path())
        .env("ADDRESSBOOK_AUTH_URL", format!("http://{}", stack.auth))
        .env(
            "ADDRESSBOOK_CONTACTS_URL",
            format!("http://{}", stack.contacts),
        )
        // The programs are built.
        .env_remove("CARGO")
        .output()
        .unwrap()
}
