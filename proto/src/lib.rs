//! The generated code of both services, and the descriptor set that reflection
//! serves.

#[cfg(feature = "grpc")]
pub mod codec;
#[cfg(feature = "grpc")]
mod elements;
mod secrets {
    include!(concat!(env!("OUT_DIR"), "/secrets.rs"));
}

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::clone_on_ref_ptr,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/_includes.rs"));

    #[cfg(feature = "grpc")]
    pub mod server {
        include!(concat!(env!("OUT_DIR"), "/server/_includes.rs"));
    }
}

/// Accounts, sessions and tokens.
pub mod auth {
    pub use crate::generated::addressbook::auth::v1;
    /// The servers' side.
    #[cfg(feature = "grpc")]
    pub use crate::generated::server::addressbook::auth::v1 as server;
}

/// Contacts.
pub mod contacts {
    pub use crate::generated::addressbook::contacts::v1;
    /// The servers' side. Contacts in responses are the bytes of their messages.
    #[cfg(feature = "grpc")]
    pub use crate::generated::server::addressbook::contacts::v1 as server;
}

/// The reasons of errors.
pub mod errors {
    pub use crate::generated::addressbook::errors::v1;

    include!(concat!(env!("OUT_DIR"), "/codes.rs"));

    /// Whether `reason.proto` lists an error with this reason and code.
    #[must_use]
    pub fn is_listed(reason: &str, code: i32) -> bool {
        let codes = CODES.iter().find(|(name, _)| *name == reason);
        codes.is_some_and(|(_, codes)| codes.is_empty() || codes.contains(&code))
    }
}

/// Every file of this crate with its imports and comments, encoded.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
