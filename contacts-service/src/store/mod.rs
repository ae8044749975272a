//! The tables of the schema `contacts`. Every statement on
//! an owner's rows names the owner.

pub mod birthdays;
pub mod changes;
pub mod contacts;
pub mod copies;
pub mod cursors;
pub mod duplicates;
pub mod exports;
pub mod feed;
pub mod filter;
pub mod gone_owners;
pub mod hints;
pub mod ignored_pairs;
pub mod insertion;
pub mod labels;
pub mod list;
pub mod list_all;
pub mod members;
pub mod merges;
pub mod owners;
pub mod parts;
pub mod photos;
pub mod point_reads;
pub mod rebuild;
pub mod requests;
pub mod revisions;
pub mod settings;
pub mod shares;
pub mod stats;
pub mod tombstones;

mod columns;
mod packed;
