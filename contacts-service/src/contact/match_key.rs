//! The key of a value that contacts may have in common.

use chassis::sha256::sha256;

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

    /// The key of a value.
    #[must_use]
    pub fn of(kind: ValueKind, value: &str) -> Self {
        let mut hash = [0; Self::BYTES];
        hash.copy_from_slice(&sha256(value.as_bytes())[..Self::BYTES]);
        let hash = u64::from_be_bytes(hash) >> (u64::BITS - Self::HASH_BITS);
        Self((kind as u64) << Self::HASH_BITS | hash)
    }

    /// The kind of its value; `None` for a kind of another version of the program.
    #[must_use]
    pub fn kind(self) -> Option<ValueKind> {
        use ValueKind::{BirthdayAndWord, Email, Name, Phone, Words};

        let kinds = [Email, Phone, Name, Words, BirthdayAndWord];
        let kind = self.0 >> Self::HASH_BITS;
        kinds.into_iter().find(|known| *known as u64 == kind)
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
