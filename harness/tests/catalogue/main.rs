//! The database as the migrations create it: its content, its rights, and its creation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod database;
mod grants;
mod list_plans;
mod migrations;
mod passwords;
mod plans;
mod schema;
mod statements;
