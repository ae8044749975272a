//! A stored contact.

use bytes::Bytes;
use chrono::{DateTime, Days, Utc};
use prost::Message;
use prost_types::Timestamp;
use proto::contacts::v1::{Contact, Date};
use uuid::Uuid;

use super::fold::label_key;
use super::{ContactId, etag};
use crate::error::Result;

/// The number of days in which a deleted contact can be undeleted.
pub const DAYS_UNTIL_EXPIRED: Days = Days::new(30);

/// One row, without the keys.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its identity.
    pub id: ContactId,
    /// The vCard UID.
    pub uid: String,
    /// The owner's version at its last write.
    pub version: i64,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it was last written.
    pub update_time: DateTime<Utc>,
    /// When it was deleted.
    pub delete_time: Option<DateTime<Utc>>,
    /// The contact that it was merged into.
    pub merged_into: Option<Uuid>,
    /// The encoded [`super::body::Body`].
    pub body: Vec<u8>,
}

impl Stored {
    /// The message for clients.
    pub fn message(self) -> Result<Contact> {
        Ok(Contact::decode(self.encoded())?)
    }

    /// The year of the birthday, if known.
    pub fn birth_year(&self) -> Result<Option<i32>> {
        Ok(birthday(&self.body)?
            .map(|day| day.year)
            .filter(|year| *year > 0))
    }

    /// The encoded message for clients: the stored bytes, followed by the fields from
    /// other columns. Fields of a message may be in any order.
    #[must_use]
    pub fn encoded(self) -> Bytes {
        let expire_time = |deleted: DateTime<Utc>| deleted.checked_add_days(DAYS_UNTIL_EXPIRED);
        let beside = Contact {
            id: self.id.to_string(),
            uid: self.uid,
            etag: etag(self.version),
            version: self.version,
            create_time: Some(timestamp(self.create_time)),
            update_time: Some(timestamp(self.update_time)),
            delete_time: self.delete_time.map(timestamp),
            expire_time: self.delete_time.and_then(expire_time).map(timestamp),
            merged_into: self
                .merged_into
                .map_or_else(String::new, |id| id.to_string()),
            ..Contact::default()
        };
        let mut whole = self.body;
        whole.reserve_exact(beside.encoded_len());
        beside.encode_raw(&mut whole);
        whole.into()
    }
}

/// A contact of which only the birthday is decoded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct OnlyBirthday {
    #[prost(message, optional, tag = "27")]
    birthday: Option<Date>,
}

/// A contact of which only the labels are decoded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct OnlyLabels {
    #[prost(string, repeated, tag = "30")]
    labels: Vec<String>,
}

/// The labels of a stored body, folded.
pub fn label_keys(body: &[u8]) -> Result<Vec<String>> {
    let labels = OnlyLabels::decode(body)?.labels;
    Ok(labels.iter().map(|label| label_key(label)).collect())
}

/// The birthday of a stored body, without decoding the rest.
pub fn birthday(body: &[u8]) -> Result<Option<Date>> {
    Ok(OnlyBirthday::decode(body)?.birthday)
}

/// The time as a message.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}
