//! Who may call, and how often: access tokens, revocations, rate limits.

pub mod address_rate;
pub mod caller;
pub mod client_address;
pub mod passed_on;
pub mod rate;
pub mod rate_limits;
pub mod revocations;
pub mod token;

pub(crate) mod client;
mod verified;
