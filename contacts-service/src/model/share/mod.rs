//! Shares of an owner's contacts with other users.

pub mod books;
pub mod error;
pub mod rights;
pub mod visible;

use std::fmt;

use chassis::email::Email;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::contact::parse_uuid;
use crate::error::Result;
use crate::model::label::LabelId;

/// The maximum number of shares per owner, offers included.
pub const SHARES_MAX: i64 = 100;

/// How long an offer can be accepted.
pub const OFFERED_FOR: TimeDelta = TimeDelta::days(30);

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

    /// Parses the id in the field `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        parse_uuid(field, text).map(Self)
    }
}

impl fmt::Display for ShareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored share, with the name of its label.
#[derive(Clone, Debug)]
pub struct Share {
    /// Its identity.
    pub id: ShareId,
    /// The owner of the contacts.
    pub owner_id: UserId,
    /// The owner's address when it was created.
    pub owner_email: String,
    /// The recipient's address.
    pub recipient_email: String,
    /// The label whose contacts are shared; all contacts if `None`.
    pub label_id: Option<LabelId>,
    /// The label's name.
    pub label_name: Option<String>,
    /// Whether the recipient may write.
    pub is_editor: bool,
    /// The owner's version at its last write.
    pub version: i64,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it was last written.
    pub update_time: DateTime<Utc>,
    /// When it was accepted.
    pub accept_time: Option<DateTime<Utc>>,
}

impl Share {
    /// When the offer expires; `None` once it is accepted.
    #[must_use]
    pub fn expire_time(&self) -> Option<DateTime<Utc>> {
        let is_offer = self.accept_time.is_none();
        is_offer.then(|| self.create_time + OFFERED_FOR)
    }
}

/// A new share.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The owner's address, shown to the recipient.
    pub owner_email: Email,
    /// The recipient's address.
    pub recipient_email: Email,
    /// The label whose contacts are shared; all contacts if `None`.
    pub label_id: Option<LabelId>,
    /// Whether the recipient may write.
    pub is_editor: bool,
}

/// A user as recipient of shares: by id, once accepted, or by address.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The user.
    pub id: UserId,
    /// The user's address, if it is verified.
    pub email: Option<Email>,
}
