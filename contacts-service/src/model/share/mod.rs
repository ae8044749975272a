//! Sharing: what others see and write of an owner's contacts.

pub mod rights;

use std::fmt;

use chassis::email::Email;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::contact::parse_uuid;
use crate::error::Result;
use crate::model::label::LabelId;

/// The most shares of one owner, offers included.
pub const SHARES_MAX: i64 = 100;

/// Identifies one share.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type, serde::Serialize, serde::Deserialize,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct ShareId(pub Uuid);

impl ShareId {
    /// Makes the id of a new share; later ids sort after earlier ones.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads an id that came over the wire in the field `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        parse_uuid(field, text).map(Self)
    }
}

impl fmt::Display for ShareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A share as the table has it, and the name of its label.
#[derive(Clone, Debug)]
pub struct Share {
    /// Its identity.
    pub id: ShareId,
    /// Whose contacts they are.
    pub owner_id: UserId,
    /// The owner's address when it was made.
    pub owner_email: String,
    /// Whom it was offered to.
    pub recipient_email: String,
    /// The label whose contacts are shared; all where there is none.
    pub label_id: Option<LabelId>,
    /// The label's name.
    pub label_name: Option<String>,
    /// Whether the other one may write.
    pub is_editor: bool,
    /// The owner's counter at its last write.
    pub version: i64,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When it was last written.
    pub update_time: DateTime<Utc>,
    /// When it was accepted.
    pub accept_time: Option<DateTime<Utc>>,
}

/// A share to be made.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The owner's address, for the other one to see.
    pub owner_email: Email,
    /// Whom it is offered to.
    pub recipient_email: Email,
    /// The label whose contacts are shared; all where there is none.
    pub label_id: Option<LabelId>,
    /// Whether the other one may write.
    pub is_editor: bool,
}

/// A user as the other side of shares: by the id, once accepted, or by the address.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The user.
    pub id: UserId,
    /// The user's address, where it is verified.
    pub email: Option<Email>,
}
