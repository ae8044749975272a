//! What a program needs to start and stop: its command line, settings, secret files and
//! logs.

pub mod chores;
pub mod cli;
pub mod config;
pub mod keyring;
pub mod limits;
pub mod probe;
pub mod secret_file;
pub mod shutdown;
pub mod telemetry;
