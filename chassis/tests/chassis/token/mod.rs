//! Access tokens, valid and forged.

mod claims;
mod header;
mod mint;
mod signature;

pub(crate) use mint::{Desk, Mint, NOW, base64, encode};
