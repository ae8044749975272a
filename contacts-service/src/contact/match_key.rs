//! The key of a value that contacts may have in common.

use chassis::sha256::sha256;
use proto::contacts::v1::Date;

/// The kind of a value that contacts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// An e-mail.
    Email = 1,
    /// A phone.
    Phone = 2,
    /// The display name.
    Name = 3,
    /// The words of the given and the family name, folded, in any order and any spelling.
    Words = 4,
    /// The date of birth and a word of the name.
    BirthdayAndWord = 5,
}

/// A value by which duplicates are found, as it is stored: 61 bits of its hash, after three
/// of its kind. So few bits are equal by chance once in a billion address books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchKey(u64);

impl MatchKey {
    /// The size of a stored key.
    pub const BYTES: usize = size_of::<u64>();

    const HASH_BITS: u32 = 61;
    /// The kind of a date of birth.
    const BIRTHDAY: u64 = 6;
    const YEAR_BITS: u32 = 14;
    const MONTH_BITS: u32 = 4;
    const DAY_BITS: u32 = 5;

    /// The key of a value.
    #[must_use]
    pub fn of(kind: ValueKind, value: &str) -> Self {
        let mut hash = [0; Self::BYTES];
        hash.copy_from_slice(&sha256(value.as_bytes())[..Self::BYTES]);
        let hash = u64::from_be_bytes(hash) >> (u64::BITS - Self::HASH_BITS);
        Self((kind as u64) << Self::HASH_BITS | hash)
    }

    /// The kind of its value; `None` for a date of birth, and for a kind of another version
    /// of the program.
    #[must_use]
    pub fn kind(self) -> Option<ValueKind> {
        use ValueKind::{BirthdayAndWord, Email, Name, Phone, Words};

        let kinds = [Email, Phone, Name, Words, BirthdayAndWord];
        let kind = self.0 >> Self::HASH_BITS;
        kinds.into_iter().find(|known| *known as u64 == kind)
    }

    /// A date of birth, which keeps contacts apart that share a value. It is stored beside
    /// the keys, so that a search reads no bodies.
    #[must_use]
    pub fn of_birthday(date: Date) -> Self {
        let [year, month, day] = [date.year, date.month, date.day].map(i32::cast_unsigned);
        let packed = year << (Self::MONTH_BITS + Self::DAY_BITS) | month << Self::DAY_BITS | day;
        Self(Self::BIRTHDAY << Self::HASH_BITS | u64::from(packed))
    }

    /// The date of birth, if it is one.
    #[must_use]
    pub fn birthday(self) -> Option<Date> {
        let part = |shift: u32, bits: u32| {
            let part = self.0 >> shift & ((1 << bits) - 1);
            i32::try_from(part).unwrap_or_default()
        };
        (self.0 >> Self::HASH_BITS == Self::BIRTHDAY).then(|| Date {
            year: part(Self::MONTH_BITS + Self::DAY_BITS, Self::YEAR_BITS),
            month: part(Self::DAY_BITS, Self::MONTH_BITS),
            day: part(0, Self::DAY_BITS),
        })
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0.to_be_bytes()
    }

    /// The stored key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_is_the_same_after_it_was_stored() {
        for (year, month, day) in [
            (1990, 12, 31),
            (9999, 1, 1),
            (0, 2, 29),
            (1, 0, 0),
            (0, 7, 0),
        ] {
            let date = Date { year, month, day };

            let key = MatchKey::from_bytes(MatchKey::of_birthday(date).to_bytes());

            assert_eq!((key.birthday(), key.kind()), (Some(date), None));
        }
        assert_eq!(
            MatchKey::of(ValueKind::BirthdayAndWord, "x").birthday(),
            None
        );
    }
}
