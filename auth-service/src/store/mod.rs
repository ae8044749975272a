//! The only SQL of this service: one literal per function. Every statement on a user's
//! rows names the user.

pub mod audit;
pub mod deletion;
pub mod email_tokens;
pub mod emails;
pub mod export;
pub mod leftovers;
pub mod mfa;
pub mod outbox;
pub mod revocations;
pub mod service_accounts;
pub mod session_ends;
pub mod sessions;
pub mod signing_keys;
pub mod throttles;
pub mod unconfirmed;
pub mod users;
pub mod wanted_emails;
