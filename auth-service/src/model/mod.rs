//! Plain values that the store and the rules share; no I/O.

pub mod audit;
pub mod device_token;
pub mod email;
pub mod email_tokens;
pub mod refresh_token;
pub mod roles;
pub mod user_token;
