//! The chassis, tried over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod app;
mod caller;
mod connection;
mod deadline;
mod flood;
mod health;
mod key_feed;
mod reflection;
mod socket;
mod stop;
mod token;
mod wire;
