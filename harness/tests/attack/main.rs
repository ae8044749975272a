//! Attacks on a running system: two services of each kind, as programs, on one database.
//! `docs/SECURITY.md` has the list.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod admin;
mod administrators_token;
mod app;
mod browser;
mod canary;
mod crowd;
mod double_spend;
mod enumeration;
mod faults;
mod freed_email;
mod guessing;
mod holding;
mod lock_out;
mod mail_flood;
mod mailbox;
mod pair;
mod passed_on;
mod privilege;
mod replay;
mod sharing;
mod squatting;
mod stolen_key;
mod streams;
mod totp;
mod user;
mod wire;
