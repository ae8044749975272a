//! Plain values that the store and the rules share; no I/O.

pub mod filter;
pub mod label;
pub mod order;
pub mod quota;
pub mod share;
