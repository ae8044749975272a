//! A private PostgreSQL from binaries on the machine: `Cluster` for a program
//! that brings its own database, `TestDatabase` for tests.
//!
//! The server listens on a Unix socket only, in a folder that only its owner can enter,
//! and stops with the process that started it. It works as root (the server then runs as
//! `postgres` or `nobody`) and as an ordinary user.

mod account;
mod binaries;
mod cluster;
mod config;
mod error;
mod folder;
mod initdb;
mod pid_file;
mod pooler;
mod process;
mod standby;
mod test_database;
mod wheel;

pub use binaries::{Binaries, Search};
pub use cluster::{Cluster, SUPERUSER, running_url};
pub use error::{Error, Result};
pub use folder::Folder;
pub use pooler::PgBouncer;
pub use process::{Signal, spawn_tied, spawn_tied_async};
pub use test_database::TestDatabase;
