//! Search: queries, and how well a contact matches.

pub mod query;
pub mod rank;
