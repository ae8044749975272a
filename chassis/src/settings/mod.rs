//! Settings and secret files, as the command line and the environment give them.

pub mod config;
pub mod keyring;
pub mod origin;
pub mod secret_file;
