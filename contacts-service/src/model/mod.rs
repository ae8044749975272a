//! Plain values that the store and the rules share; no I/O.

pub mod duplicates;
pub mod filter;
pub mod label;
pub mod merge;
pub mod order;
pub mod query;
pub mod quota;
pub mod revision;
pub mod settings;
pub mod share;
pub mod stamp;
