//! Calls to the auth service, which only other services make.

pub mod deletion_feed;
pub mod identity;
pub mod key_feed;
pub mod program;
pub mod revocation_feed;
pub mod upstream;
