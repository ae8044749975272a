//! The command line and its client crate, with the real services.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test should panic where it fails, and say what it cannot test"
)]

#[allow(dead_code, reason = "it is shared with the end-to-end tests")]
#[path = "../e2e/available.rs"]
mod available;
#[allow(dead_code, reason = "it is shared with the end-to-end tests")]
#[path = "../e2e/balancer.rs"]
mod balancer;
mod calls;
mod cli;
mod contacts;
mod import;
mod mail;
mod photos;
#[allow(dead_code, reason = "it is shared with the end-to-end tests")]
#[path = "../e2e/program.rs"]
mod program;
mod proxy;
mod refresh;
mod sharing;
#[allow(dead_code, reason = "it is shared with the end-to-end tests")]
#[path = "../e2e/stack.rs"]
mod stack;
mod terminal;
#[path = "../attack/totp.rs"]
mod totp;
