//! What duplicates are looked for by.

use proto::contacts::v1::Date;

use crate::contact::ContactId;

/// What contacts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
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
pub struct SharedValue {
    /// What it is.
    pub kind: ValueKind,
    /// Whose it is; some may be there twice.
    pub ids: Vec<ContactId>,
}

/// A contact to be compared.
#[derive(Clone, Debug)]
pub struct ComparedContact {
    /// The contact.
    pub id: ContactId,
    /// Its folded display name, if it is made from more than an e-mail or a phone.
    pub name: Option<String>,
    /// Its date of birth, if it is known.
    pub birthday: Option<Date>,
}
