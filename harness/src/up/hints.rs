//! What to try next, ready to be pasted.

use std::net::SocketAddr;

use super::System;
use crate::print::say;
use crate::seed::Demo;

const AUTH: &str = "addressbook.auth.v1.AuthService";
const CONTACTS: &str = "addressbook.contacts.v1.ContactsService";

/// Says where the services are and how to call them.
pub(crate) fn say_addresses(system: &System) {
    let auth = system.auth.address();
    let contacts = system.contacts.address();
    let user = r#""email":"ada@example.org","password":"tram lantern 7 orchid""#;
    let contact = r#"{"contact":{"given_name":"Grace","family_name":"Hopper"}}"#;
    say("");
    say(format_args!("auth service:     {auth}"));
    say(format_args!("contacts service: {contacts}"));
    say("");
    say("Try:");
    say(format_args!(
        "  grpcurl -plaintext -d '{{{user}}}' {auth} {AUTH}/SignUp"
    ));
    say(format_args!("  {}", log_in(auth, user)));
    say(format_args!(
        "  grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" -d '{contact}' {contacts} \
         {CONTACTS}/CreateContact"
    ));
    if let Some(url) = system.database.own_url_for("auth_service") {
        let program = system.auth_program.display();
        say("");
        say("To make that user an administrator:");
        say(format_args!(
            "  DATABASE_URL='{url}' '{program}' make-admin --email ada@example.org"
        ));
    }
    say("");
    say("Mail, such as the one to confirm an e-mail, is shown in the auth service's log.");
    say("Ctrl-C stops everything.");
}

/// Says who the demo user is.
pub(crate) fn say_demo(auth: SocketAddr, demo: &Demo) {
    let user = format!(r#""email":"{}","password":"{}""#, demo.email, demo.password);
    say("");
    say(format_args!(
        "demo user: {} with the password {} and {} contacts",
        demo.email, demo.password, demo.contacts
    ));
    say(format_args!("  {}", log_in(auth, &user)));
}

fn log_in(auth: SocketAddr, user: &str) -> String {
    format!(
        r#"TOKEN=$(grpcurl -plaintext -d '{{{user}}}' {auth} {AUTH}/LogIn | sed -n 's/.*"accessToken": "\(.*\)".*/\1/p')"#
    )
}
