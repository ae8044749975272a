//! The tables of the schema `contacts`. Every statement names the owner.

pub mod birthdays;
pub mod contacts;
pub mod list;
pub mod owners;
pub mod requests;
pub mod search;
