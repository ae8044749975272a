//! Labels: the names of groups of an owner's contacts.

use std::fmt;

use chassis::text;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::contact::characters::is_invisible;
use crate::contact::identity::label_key;
use crate::contact::{limits, parse_uuid};
use crate::error::{Error, Result};

/// The maximum number of labels per owner.
pub const LABELS_MAX: i64 = 1000;

/// Identifies one label.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize, serde::Deserialize,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct LabelId(pub Uuid);

impl LabelId {
    /// Makes the id of a new label.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Parses the id in the field `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        parse_uuid(field, text).map(Self)
    }
}

impl fmt::Display for LabelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored label.
#[derive(Clone, Debug)]
pub struct Label {
    /// The id of the label.
    pub id: LabelId,
    /// The key that contacts' labels are compared with.
    pub name_key: String,
    /// Its name, as typed.
    pub name: String,
    /// The owner's version at its last write.
    pub version: i64,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it was last written.
    pub update_time: DateTime<Utc>,
}

/// A valid label name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelName {
    /// The name as typed, in NFC.
    pub name: String,
    /// The key for comparison.
    pub key: String,
}

impl LabelName {
    /// Parses the name of a request's label.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |problem: String| Error::invalid("FIELD_INVALID", "label.name", problem);
        let name = text::single_line(text, limits::LABEL).map_err(bad)?;
        if is_invisible(&name) {
            return Err(bad("must not be empty".into()));
        }
        Ok(Self::of(name))
    }

    /// The name of an existing label.
    #[must_use]
    pub fn of(name: String) -> Self {
        let key = label_key(&name);
        Self { name, key }
    }
}
