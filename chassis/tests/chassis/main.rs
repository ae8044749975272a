//! The chassis, tested over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod app;
mod arrival;
mod broken_bodies;
mod caller;
mod clients;
mod connection;
mod cross_origin;
mod database_tls;
mod deadline;
mod door;
mod failures;
mod flood;
mod health;
mod key_feed;
mod metrics;
mod pki;
mod pooler;
mod promotion;
mod rate_limits;
mod reach;
mod reflection;
mod socket;
mod stop;
mod tls;
mod tls_files;
mod tls_mutual;
mod token;
mod upstream;
mod while_allowed;
mod wire;
mod wires;
