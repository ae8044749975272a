//! Drives the whole system from outside: starts it, fills it with data, measures it and
//! tests it.

pub mod cli;
mod clock;
pub mod config;
pub mod configuration;
mod error;
mod keys;
pub mod load;
pub mod make_admin;
pub mod prepare;
pub mod print;
pub mod reference;
pub mod seed;
mod stop;
pub mod torture;
pub mod up;

pub use error::{Error, Result};
