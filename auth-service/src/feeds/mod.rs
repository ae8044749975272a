//! What other services subscribe to: revocations and deleted users.

pub mod deleted_users;
pub mod revocations;
