//! The quota of one owner.

use crate::error::Error;

/// An amount of contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// The number of contacts, without deleted ones.
    pub contacts: i64,
    /// The bytes of all contacts, deleted ones included as long as they can be undeleted.
    pub bytes: i64,
}

/// The exceeded limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceededLimit {
    /// The maximum number of contacts, without deleted ones.
    Contacts(i64),
    /// The maximum number of bytes.
    Bytes(i64),
}

impl Quota {
    /// The bytes that earlier revisions may take: for an owner at the quota, four of each
    /// contact.
    #[must_use]
    pub fn revision_bytes(self) -> i64 {
        self.bytes.saturating_mul(4)
    }

    /// The limit that adding something to the current usage would exceed.
    #[must_use]
    pub fn exceeded_limit(self, used: Self, added: Self) -> Option<ExceededLimit> {
        let exceeds =
            |used: i64, added: i64, limit| added > 0 && used.saturating_add(added) > limit;
        if exceeds(used.contacts, added.contacts, self.contacts) {
            Some(ExceededLimit::Contacts(self.contacts))
        } else if exceeds(used.bytes, added.bytes, self.bytes) {
            Some(ExceededLimit::Bytes(self.bytes))
        } else {
            None
        }
    }

    /// Adds something, unless a limit would be exceeded.
    pub fn add(&mut self, contacts: i64, bytes: i64, limits: Self) -> Result<(), ExceededLimit> {
        if let Some(exceeded) = limits.exceeded_limit(*self, Self { contacts, bytes }) {
            return Err(exceeded);
        }
        self.contacts += contacts;
        self.bytes += bytes;
        Ok(())
    }

    /// The limit that is closer to being exceeded.
    #[must_use]
    pub fn nearest_limit(self, used: Self) -> ExceededLimit {
        let contacts = i128::from(used.contacts) * i128::from(self.bytes);
        let bytes = i128::from(used.bytes) * i128::from(self.contacts);
        if contacts >= bytes {
            ExceededLimit::Contacts(self.contacts)
        } else {
            ExceededLimit::Bytes(self.bytes)
        }
    }
}

impl From<ExceededLimit> for Error {
    fn from(exceeded: ExceededLimit) -> Self {
        Self::QuotaExceeded(exceeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = quota(10, 1000);

    const fn quota(contacts: i64, bytes: i64) -> Quota {
        Quota { contacts, bytes }
    }

    #[test]
    fn the_last_contact_and_the_last_byte_still_fit() {
        assert_eq!(QUOTA.exceeded_limit(quota(9, 990), quota(1, 10)), None);
        let exceeded = QUOTA.exceeded_limit(quota(10, 0), quota(1, 10));
        assert_eq!(exceeded, Some(ExceededLimit::Contacts(10)));
        let exceeded = QUOTA.exceeded_limit(quota(0, 991), quota(1, 10));
        assert_eq!(exceeded, Some(ExceededLimit::Bytes(1000)));
    }

    #[test]
    fn what_does_not_grow_fits_into_a_book_that_is_too_full() {
        assert_eq!(QUOTA.exceeded_limit(quota(20, 2000), quota(0, -1)), None);
        assert_eq!(QUOTA.exceeded_limit(quota(20, 2000), quota(0, 0)), None);
        let exceeded = QUOTA.exceeded_limit(quota(20, 2000), quota(0, 1));
        assert_eq!(exceeded, Some(ExceededLimit::Bytes(1000)));
    }

    #[test]
    fn the_nearer_limit_is_the_one_that_is_used_more() {
        assert_eq!(
            QUOTA.nearest_limit(quota(9, 100)),
            ExceededLimit::Contacts(10)
        );
        assert_eq!(
            QUOTA.nearest_limit(quota(1, 900)),
            ExceededLimit::Bytes(1000)
        );
    }
}
