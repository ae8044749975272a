//! Plain values that the store and the rules share; no I/O.

pub mod audit;
pub mod deleted_user;
pub mod device_token;
pub mod email;
pub mod email_tokens;
pub mod predictable;
pub mod refresh_token;
pub mod request_id;
pub mod revocation;
pub mod roles;
pub mod session;
pub mod signing_key;
pub mod user;
pub mod user_token;
