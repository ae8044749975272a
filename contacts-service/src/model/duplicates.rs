//! The values by which duplicates are found.

use proto::contacts::v1::Date;

use crate::contact::ContactId;
use crate::contact::match_key::ValueKind;

/// A value that several contacts have.
#[derive(Clone, Debug)]
pub struct SharedValue {
    /// The kind of the value.
    pub kind: ValueKind,
    /// The contacts that have it; an id can occur twice.
    pub ids: Vec<ContactId>,
}

/// A contact to be compared.
#[derive(Clone, Debug)]
pub struct ComparedContact {
    /// The contact.
    pub id: ContactId,
    /// The identity of its display name, if it is made from more than an e-mail or a phone.
    pub name: Option<String>,
    /// Its date of birth, if it is known.
    pub birthday: Option<Date>,
}

/// Two contacts that are known to be different people.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct IgnoredPair {
    /// The lower id.
    pub low: ContactId,
    /// The higher one.
    pub high: ContactId,
}

impl IgnoredPair {
    /// The pair of two different contacts.
    #[must_use]
    pub fn of(a: ContactId, b: ContactId) -> Self {
        Self {
            low: a.min(b),
            high: a.max(b),
        }
    }
}
