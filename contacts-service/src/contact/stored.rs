//! A stored contact.

use bytes::Bytes;
use chrono::{DateTime, Days, Utc};
use prost::Message;
use prost::encoding::{self, WireType};
use prost_types::Timestamp;
use proto::contacts::v1::{Contact, Date, Event};
use uuid::Uuid;

use super::identity::label_key;
use super::{ContactId, etag};
use crate::error::Result;

/// The number of days in which a deleted contact can be undeleted.
pub const DAYS_UNTIL_EXPIRED: Days = Days::new(30);

/// One row, without the keys.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The id of the contact.
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
    /// The version of its deletion; `None` if it is not deleted, or was by an earlier release.
    pub delete_version: Option<i64>,
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

    /// The encoded message for clients: the stored bytes, followed by the fields from
    /// other columns. Fields of a message may be in any order.
    #[must_use]
    pub fn encoded(self) -> Bytes {
        let expire_time = self.delete_time.and_then(expire_time);
        let mut whole = self.body;
        whole.reserve_exact(BESIDE_BYTES + self.uid.len());
        // Encoded by hand, because a list spends a third of its time here.
        put_text(1, hyphenated(self.id.0, &mut [0; 36]), &mut whole);
        put_text(2, &self.uid, &mut whole);
        put_text(3, &etag(self.version), &mut whole);
        encoding::int64::encode(4, &self.version, &mut whole);
        put_time(5, Some(self.create_time), &mut whole);
        put_time(6, Some(self.update_time), &mut whole);
        put_time(7, self.delete_time, &mut whole);
        put_time(8, expire_time, &mut whole);
        if let Some(id) = self.merged_into {
            put_text(9, hyphenated(id, &mut [0; 36]), &mut whole);
        }
        whole.into()
    }
}

/// An encoded message with the owner of its contact.
#[must_use]
pub fn with_owner(encoded: Bytes, owner: Uuid) -> Bytes {
    let mut whole = Vec::from(encoded);
    put_text(36, hyphenated(owner, &mut [0; 36]), &mut whole);
    whole.into()
}

/// The maximum size of the fields beside the body, without that of the uid.
pub const BESIDE_BYTES: usize = 2 * 38 + 3 + 24 + 11 + 4 * 20;

fn expire_time(deleted: DateTime<Utc>) -> Option<DateTime<Utc>> {
    deleted.checked_add_days(DAYS_UNTIL_EXPIRED)
}

fn hyphenated(id: Uuid, buffer: &mut [u8; 36]) -> &str {
    id.hyphenated().encode_lower(buffer)
}

fn put_text(tag: u32, text: &str, buffer: &mut Vec<u8>) {
    encoding::encode_key(tag, WireType::LengthDelimited, buffer);
    encoding::encode_varint(u64::try_from(text.len()).unwrap_or(u64::MAX), buffer);
    buffer.extend_from_slice(text.as_bytes());
}

fn put_time(tag: u32, time: Option<DateTime<Utc>>, buffer: &mut Vec<u8>) {
    if let Some(time) = time {
        encoding::message::encode(tag, &timestamp(time), buffer);
    }
}

/// A contact of which only the dates are decoded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Dates {
    /// The dates to remember.
    #[prost(message, repeated, tag = "24")]
    pub events: Vec<Event>,
    /// The date of birth.
    #[prost(message, optional, tag = "27")]
    pub birthday: Option<Date>,
    /// The date of death.
    #[prost(message, optional, tag = "35")]
    pub date_of_death: Option<Date>,
}

/// A contact of which only the labels are decoded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct OnlyLabels {
    #[prost(string, repeated, tag = "30")]
    labels: Vec<String>,
}

/// The labels of a stored body, folded.
pub fn label_keys(body: &[u8]) -> Result<Vec<String>> {
    Ok(labels(body)?.iter().map(|label| label_key(label)).collect())
}

/// The labels of a stored body, without decoding the rest.
pub fn labels(body: &[u8]) -> Result<Vec<String>> {
    Ok(OnlyLabels::decode(body)?.labels)
}

impl Dates {
    /// Those of a stored body, without decoding the rest.
    pub fn decode_from(body: &[u8]) -> Result<Self> {
        Ok(Self::decode(body)?)
    }
}

/// The time as a message.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_the_body_and_every_other_column() {
        let time = |seconds| DateTime::from_timestamp(seconds, 123_456_000).unwrap();
        let body = Contact {
            given_name: "Robin".into(),
            ..Contact::default()
        };
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(9));
        let stored = Stored {
            id: ContactId(id),
            uid: "urn:x".into(),
            version: 1 << 40,
            create_time: time(1_700_000_000),
            update_time: time(1_700_000_001),
            delete_time: Some(time(1_700_000_002)),
            delete_version: Some(1 << 40),
            merged_into: Some(other),
            body: body.encode_to_vec(),
        };
        let expected = Contact {
            id: id.to_string(),
            uid: "urn:x".into(),
            etag: etag(1 << 40),
            version: 1 << 40,
            create_time: Some(timestamp(time(1_700_000_000))),
            update_time: Some(timestamp(time(1_700_000_001))),
            delete_time: Some(timestamp(time(1_700_000_002))),
            expire_time: Some(timestamp(time(1_700_000_002 + 30 * 86_400))),
            merged_into: other.to_string(),
            ..body
        };

        assert_eq!(stored.clone().message().unwrap(), expected);
        let size = stored.body.len() + stored.uid.len() + BESIDE_BYTES;
        let encoded = stored.encoded();
        assert!(encoded.len() <= size);
        let owned = Contact {
            owner_id: other.to_string(),
            ..expected
        };
        let with_owner = with_owner(encoded, other);
        assert_eq!(Contact::decode(with_owner).unwrap(), owned);
    }
}
