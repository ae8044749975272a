//! Search: what a query asks for, and how well a contact answers it.

pub mod query;
pub mod rank;
