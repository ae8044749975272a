//! The client of the auth service, for other services.

pub mod deletion_feed;
pub mod identity;
pub mod key_feed;
pub mod program;
pub mod revocation_feed;
pub mod upstream;
