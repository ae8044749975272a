//! How a list is sorted.

use crate::error::{Error, Result};

/// The sort key of a list; ties are sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Family name, then given name.
    FamilyName,
    /// Given name, then family name.
    GivenName,
    /// The display name.
    DisplayName,
    /// When the contact was created.
    CreateTime,
    /// When the contact was last written.
    UpdateTime,
}

/// A key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The sort key.
    pub key: Key,
    /// Whether the order is descending.
    pub descending: bool,
}

impl Order {
    /// Parses an `order_by` (AIP-132) of one field.
    pub fn parse(text: &str) -> Result<Self> {
        let mut words = text.split_ascii_whitespace();
        let key = match words.next() {
            None | Some("family_name") => Key::FamilyName,
            Some("given_name") => Key::GivenName,
            Some("display_name") => Key::DisplayName,
            Some("create_time") => Key::CreateTime,
            Some("update_time") => Key::UpdateTime,
            Some(_) => return Err(invalid()),
        };
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(invalid()),
        };
        match words.next() {
            None => Ok(Self { key, descending }),
            Some(_) => Err(invalid()),
        }
    }
}

fn invalid() -> Error {
    Error::invalid(
        "ORDER_BY_INVALID",
        "order_by",
        "is not one of family_name, given_name, display_name, create_time, update_time, \
         each with or without \" desc\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_and_its_direction_are_read() {
        let order = |key, descending| Order { key, descending };
        assert_eq!(Order::parse("").unwrap(), order(Key::FamilyName, false));
        assert_eq!(
            Order::parse(" update_time  desc").unwrap(),
            order(Key::UpdateTime, true)
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "notes",
            "family_name up",
            "family_name, given_name",
            "id desc desc",
            "; --",
        ] {
            assert!(Order::parse(text).is_err(), "{text}");
        }
    }
}
