//! Drives the whole system from outside: starts it, fills it, and later loads
//! and tests it.

mod clock;
pub mod config;
pub mod configuration;
mod error;
pub mod load;
pub mod make_admin;
pub mod prepare;
pub mod print;
pub mod seed;
mod stop;
mod supervise;
pub mod up;

pub use error::{Error, Result};
