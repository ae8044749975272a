//! What duplicates are looked for by.

use proto::contacts::v1::Date;

use crate::contact::ContactId;

/// What contacts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An e-mail.
    Email,
    /// A phone.
    Phone,
    /// The display name.
    Name,
    /// The given and the family name.
    GivenAndFamily,
}

/// Contacts that have the same of something.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What it is.
    pub kind: Kind,
    /// Whose it is; some may be there twice.
    pub ids: Vec<ContactId>,
}

/// A contact to be compared.
#[derive(Clone, Debug)]
pub struct Member {
    /// The contact.
    pub id: ContactId,
    /// Its folded display name, if it is made from more than an e-mail or a phone.
    pub name: Option<String>,
    /// Its date of birth, if it is known.
    pub birthday: Option<Date>,
}
