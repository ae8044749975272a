//! What the repository consists of.

/// The crates of this repository.
pub(crate) const CRATES: [&str; 12] = [
    "proto",
    "card-formats",
    "chassis",
    "embedded-postgres",
    "auth-service",
    "contacts-service",
    "addressbook-client",
    "addressbook-cli",
    "harness",
    "instructions",
    "testing",
    "wires",
];
