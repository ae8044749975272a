//! A contact as the table has it.

use chrono::{DateTime, Days, Utc};
use prost::Message;
use prost_types::Timestamp;
use proto::contacts::v1::Contact;
use uuid::Uuid;

use super::{ContactId, etag};
use crate::error::Result;

/// The days for which a deleted contact can be brought back.
pub const DAYS_UNTIL_GONE: Days = Days::new(30);

/// One row, without the keys.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Stored {
    /// Its identity.
    pub id: ContactId,
    /// The vCard UID.
    pub uid: String,
    /// The owner's counter at its last write.
    pub version: i64,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When it was last written.
    pub update_time: DateTime<Utc>,
    /// When it was deleted.
    pub delete_time: Option<DateTime<Utc>>,
    /// What it was merged into.
    pub merged_into: Option<Uuid>,
    /// The encoded [`super::body::Body`].
    pub body: Vec<u8>,
}

impl Stored {
    /// The message that a client sees.
    pub fn message(&self) -> Result<Contact> {
        let mut contact = Contact::decode(self.body.as_slice())?;
        contact.id = self.id.to_string();
        contact.uid.clone_from(&self.uid);
        contact.etag = etag(self.version);
        contact.version = self.version;
        contact.create_time = Some(timestamp(self.create_time));
        contact.update_time = Some(timestamp(self.update_time));
        if let Some(deleted) = self.delete_time {
            contact.delete_time = Some(timestamp(deleted));
            contact.expire_time = deleted.checked_add_days(DAYS_UNTIL_GONE).map(timestamp);
        }
        if let Some(id) = self.merged_into {
            contact.merged_into = id.to_string();
        }
        Ok(contact)
    }
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}
