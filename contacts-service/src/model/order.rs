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
    /// When the contact was deleted.
    DeleteTime,
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
    /// Parses an `order_by` (AIP-132) of one field; by family name if empty.
    pub fn parse(text: &str) -> Result<Self> {
        let keys = [
            ("family_name", Key::FamilyName),
            ("given_name", Key::GivenName),
            ("display_name", Key::DisplayName),
            ("create_time", Key::CreateTime),
            ("update_time", Key::UpdateTime),
        ];
        Self::of(text, "family_name", &keys)
    }

    /// The same for deleted contacts; the last deleted one first if empty.
    pub fn parse_of_deleted(text: &str) -> Result<Self> {
        Self::of(
            text,
            "delete_time desc",
            &[("delete_time", Key::DeleteTime)],
        )
    }

    fn of(text: &str, default: &str, keys: &[(&str, Key)]) -> Result<Self> {
        let invalid = || {
            let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            let problem = format!("is not one of {names}, each with or without \" desc\"");
            Error::invalid("ORDER_BY_INVALID", "order_by", problem)
        };
        let text = if text.trim().is_empty() {
            default
        } else {
            text
        };
        let mut words = text.split_ascii_whitespace();
        let name = words.next();
        let key = keys.iter().find(|(known, _)| Some(*known) == name);
        let (_, key) = *key.ok_or_else(invalid)?;
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
        let deleted = |text| Order::parse_of_deleted(text).unwrap();
        assert_eq!(deleted(""), order(Key::DeleteTime, true));
        assert_eq!(deleted("delete_time"), order(Key::DeleteTime, false));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "notes",
            "family_name up",
            "family_name, given_name",
            "id desc desc",
            "; --",
            "delete_time",
        ] {
            assert!(Order::parse(text).is_err(), "{text}");
        }
        for text in [
            "family_name",
            "desc",
            "delete_time, id",
            "delete_time desc asc",
        ] {
            assert!(Order::parse_of_deleted(text).is_err(), "{text}");
        }
    }
}
