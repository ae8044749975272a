//! The supported part of AIP-160: conditions joined with AND, OR and NOT.

mod condition;
mod parse;

use chrono::{DateTime, Utc};
use proto::contacts::v1::SearchField;

pub use self::parse::parse;
use crate::contact::phone::DefaultRegion;

/// Which contacts are selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those that all parts select; without parts, every contact.
    All(Vec<Filter>),
    /// Those that one of the parts selects.
    Any(Vec<Filter>),
    /// Those that the part does not select.
    Not(Box<Filter>),
    /// Those that meet the condition.
    Is(Condition),
}

/// A condition of a contact; values are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Has this label.
    Label(String),
    /// Is, or is not, a favourite.
    Starred(bool),
    /// Has this e-mail address, in one of these spellings.
    Email(Vec<String>),
    /// Has a phone with one of these sequences of digits.
    Phone(Vec<String>),
    /// Has an organization whose name contains this.
    Organization(String),
    /// Has this uid, as it is.
    Uid(String),
    /// Has such a part.
    Has(Part),
    /// Has a time that compares like this with another one.
    Time(Time, Comparison, DateTime<Utc>),
}

/// Whether deleted contacts are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// They are not.
    Live,
    /// Only they are.
    Deleted,
    /// They are, too.
    Both,
}

/// What the conditions of a filter refer to.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Which contacts are listed.
    pub listed: Listed,
    /// The country of national phone numbers.
    pub region: DefaultRegion,
}

/// A part that a contact may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An e-mail address.
    Email,
    /// The birthday.
    Birthday,
    /// A label.
    Label,
    /// A photo.
    Photo,
    /// Something that is searched in this field.
    Searched(SearchField),
}

/// A time of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// When it was created.
    Create,
    /// When it was last written.
    Update,
    /// When it was deleted.
    Delete,
}

/// How two times are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Earlier.
    Less,
    /// Earlier, or the same.
    LessOrEqual,
    /// The same.
    Equal,
    /// Later, or the same.
    GreaterOrEqual,
    /// Later.
    Greater,
}

impl Filter {
    /// The parts that a contact must all meet.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether it selects every contact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().is_empty()
    }

    /// Whether it selects one contact at most, by its uid.
    #[must_use]
    pub fn names_uid(&self) -> bool {
        let is_uid = |part: &Self| matches!(part, Self::Is(Condition::Uid(_)));
        self.parts().iter().any(is_uid)
    }
}
