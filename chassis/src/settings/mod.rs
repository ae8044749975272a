//! Settings and secret files, as the command line and the environment give them.

pub mod config;
pub mod keyring;
mod origin;
pub mod secret_file;
