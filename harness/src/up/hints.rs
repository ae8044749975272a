//! Commands to try next, ready to paste.

use std::net::SocketAddr;
use std::path::Path;

use super::System;
use super::build::command_line;
use super::console;
use crate::config::UpConfig;
use crate::print::say;
use crate::seed::Demo;

const AUTH: &str = "addressbook.auth.v1.AuthService";
const ADMIN: &str = "addressbook.auth.v1.AdminService";
const CONTACTS: &str = "addressbook.contacts.v1.ContactsService";

/// Prints where the services are and how to call them.
pub(crate) fn say_addresses(system: &System, config: &UpConfig) {
    let auth = system.auth.address();
    let contacts = system.contacts.address();
    let user = r#""email":"ada@example.com","password":"the otter naps at noon""#;
    let contact = r#"{"contact":{"given_name":"Grace","family_name":"Hopper"}}"#;
    say("");
    say(format_args!("auth service:     {auth}"));
    say(format_args!("contacts service: {contacts}"));
    if console::contacts_url(config).is_some() {
        say(format_args!("console:          {}", console::url(auth)));
    }
    for service in [&system.auth, &system.contacts] {
        if let Some(metrics) = service.metrics_address() {
            let name = service.name();
            say(format_args!("metrics of {name}: http://{metrics}/metrics"));
        }
    }
    say("");
    if let Some(program) = command_line() {
        let addressbook = quoted(&program);
        say("Try, with a password of your own:");
        say(format_args!(
            "  {addressbook} account sign-up ada@example.com {}",
            servers([auth, contacts])
        ));
        say(format_args!(
            "  {addressbook} add --given-name Grace --family-name Hopper"
        ));
        say(format_args!("  {addressbook} list"));
        say(format_args!("  {addressbook} --help"));
        say("");
    }
    say("With grpcurl:");
    say(format_args!(
        "  grpcurl -plaintext -d '{{{user}}}' {auth} {AUTH}/SignUp"
    ));
    say(format_args!("  {}", log_in(auth, user)));
    say(format_args!(
        "  grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" -d '{contact}' {contacts} \
         {CONTACTS}/CreateContact"
    ));
    say("");
    say("To make that user an administrator, and to administer:");
    say(format_args!("  {}", make_admin(system, config)));
    let asks = format!(r#"{user},"scopes":["auth.admin"]"#);
    say(format_args!("  {}", token("ADMIN", auth, &asks)));
    say(format_args!(
        "  grpcurl -plaintext -H \"authorization: Bearer $ADMIN\" {auth} {ADMIN}/ListUsers"
    ));
    say("");
    say("The auth service logs the file and the token of each mail.");
    say("Ctrl-C stops everything.");
}

/// The command that finds this system.
fn make_admin(system: &System, config: &UpConfig) -> String {
    let place = if config.place.existing_database().is_some() {
        // The URL itself can contain a password.
        r#"DATABASE_URL="$DATABASE_URL" cargo dev make-admin"#.to_owned()
    } else if config.ephemeral || config.place.data_dir.is_some() {
        let folder = quoted(system.database.folder());
        format!("cargo dev make-admin --data-dir {folder}")
    } else {
        "cargo dev make-admin".to_owned()
    };
    format!("{place} --email ada@example.com --unverified")
}

/// Prints the demo user.
pub(crate) fn say_demo([auth, contacts]: [SocketAddr; 2], demo: &Demo) {
    let user = format!(r#""email":"{}","password":"{}""#, demo.email, demo.password);
    say("");
    say(format_args!(
        "demo user: {} with the password {} and {} contacts",
        demo.email, demo.password, demo.contacts
    ));
    if let Some(program) = command_line() {
        let (addressbook, email, password) = (quoted(&program), &demo.email, &demo.password);
        say(format_args!(
            "  echo '{password}' | {addressbook} login {email} {}",
            servers([auth, contacts])
        ));
    }
    say(format_args!("  {}", log_in(auth, &user)));
}

/// The options of the command line that name both services.
fn servers([auth, contacts]: [SocketAddr; 2]) -> String {
    let is_local = auth.ip().is_loopback() && contacts.ip().is_loopback();
    let allowed = if is_local { "" } else { " --allow-plaintext" };
    format!("--auth http://{auth} --contacts http://{contacts}{allowed}")
}

/// A path as a word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn log_in(auth: SocketAddr, user: &str) -> String {
    token("TOKEN", auth, user)
}

/// The command that logs in and stores the access token in a variable.
fn token(variable: &str, auth: SocketAddr, user: &str) -> String {
    format!(
        r#"{variable}=$(grpcurl -plaintext -d '{{{user}}}' {auth} {AUTH}/LogIn | sed -n 's/.*"accessToken": "\(.*\)".*/\1/p')"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, expected) in [
            ("target/debug/addressbook", "target/debug/addressbook"),
            ("/home/Ada L/it's", r"'/home/Ada L/it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
