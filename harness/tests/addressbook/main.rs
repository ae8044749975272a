//! The command line and its client crate, with the real services.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod calls;
mod cli;
mod contacts;
mod import;
mod mail;
mod photos;
mod proxy;
mod refresh;
mod sharing;
#[allow(dead_code, reason = "it is shared with the end-to-end tests")]
#[path = "../e2e/stack.rs"]
mod stack;
mod terminal;
#[path = "../attack/totp.rs"]
mod totp;
