//! The database as the migrations make it: what it may hold, who may do what,
//! and how it comes to be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod database;
mod grants;
mod migrations;
mod passwords;
mod schema;
mod statements;
