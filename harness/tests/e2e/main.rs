//! The whole system as its users have it: the real programs, started by `dev`,
//! called by real clients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]
#![allow(clippy::print_stderr, reason = "what was not tested must be seen")]

mod available;
mod balanced;
mod balancer;
mod broken_import;
mod causes;
mod clients;
mod collector;
mod console;
mod deletion;
mod demo;
mod deploy;
mod documents;
mod examples;
mod key_files;
mod links;
mod mail_server;
mod openapi;
mod outage;
#[allow(dead_code, reason = "it is shared with the chassis")]
#[path = "../../../chassis/tests/chassis/pki.rs"]
mod pki;
mod program;
mod python;
mod reasons;
mod release;
mod revocation;
mod rolling;
mod smtp;
mod stack;
mod tls;
mod tools;
#[path = "../attack/totp.rs"]
mod totp;
mod tour;
mod traces;
mod wires;
