//! What the tests of several crates do alike: databases, services on free ports, waiting,
//! and the errors of calls. Only tests depend on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test should panic where it fails"
)]

mod behavior;
mod call;
mod database;
mod service;
mod standby;
mod wait;
pub mod wire;

pub use behavior::{Place, behaviors, places};
pub use call::{bearer, fields, reason, refusal};
pub use database::{migrate, migrated, waiting, waiting_for_a_lock};
pub use service::{endpoint, replicas, serve, setting, to_any_of, until_serving};
pub use standby::{promote, standby_of};
pub use wait::{in_time, until};
