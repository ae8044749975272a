//! Contacts: plain types and rules, without I/O.

pub mod body;
pub mod date;
pub mod domain;
pub mod fold;
pub mod identity;
pub mod keys;
pub mod labels;
pub mod mask;
pub mod match_key;
pub mod match_keys;
pub mod merge;
pub mod order;
pub mod phone;
pub mod photo;
pub mod row;
pub mod search_text;
pub mod spellings;
pub mod stored;

pub(crate) mod characters;
mod check;
mod east_asian;
pub(crate) mod limits;
mod placeholders;
mod rules;

use std::fmt;

use uuid::Uuid;

use crate::error::{Error, Result};

/// Identifies one contact.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    sqlx::Type,
    serde::Serialize,
    serde::Deserialize,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct ContactId(pub Uuid);

impl ContactId {
    /// Makes the id of a new contact; later ids sort after earlier ones.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Parses the id in the field `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        parse_uuid(field, text).map(Self)
    }
}

/// Parses any id in the field `field`.
pub(crate) fn parse_uuid(field: &str, text: &str) -> Result<Uuid> {
    chassis::text::uuid(text).map_err(|problem| Error::invalid("ID_INVALID", field, problem))
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The etag of a contact or a label: its version, quoted (RFC 9110 section 8.8.3).
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The earlier version of an etag, as in a repeated write.
#[must_use]
pub fn earlier(text: &str, version: i64) -> Option<i64> {
    let number = text.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    ((1..version).contains(&number) && etag(number) == text).then_some(number)
}
