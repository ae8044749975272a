//! The supported part of AIP-160: conditions joined with AND.

use crate::contact::body::parse_uid;
use crate::contact::fold::{digits, fold};
use crate::contact::identity::{identity, label_key};
use crate::error::{Error, Result};

/// A condition of a listed contact; values are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Has this label.
    Label(String),
    /// Is, or is not, a favourite.
    Starred(bool),
    /// Has this e-mail address.
    Email(String),
    /// Has a phone with these digits.
    Phone(String),
    /// Has an organization whose name contains this.
    Organization(String),
    /// Has this uid, as it is.
    Uid(String),
    /// Has a birthday.
    HasBirthday,
}

/// The longest filter, in characters.
const CHARS_MAX: usize = 1000;
/// The maximum number of conditions.
const CONDITIONS_MAX: usize = 10;

/// Parses a filter; an empty one has no condition.
pub fn parse(text: &str) -> Result<Vec<Condition>> {
    if text.chars().count() > CHARS_MAX {
        return Err(invalid("is longer than 1000 characters"));
    }
    let mut rest = text.trim();
    let mut conditions = Vec::new();
    while !rest.is_empty() {
        if !conditions.is_empty() {
            rest = rest
                .strip_prefix("AND")
                .filter(|rest| rest.starts_with(char::is_whitespace))
                .ok_or_else(|| invalid("has conditions that are not joined with AND"))?
                .trim_start();
        }
        let (condition, behind) = condition(rest)?;
        conditions.push(condition);
        rest = behind.trim_start();
    }
    if conditions.len() > CONDITIONS_MAX {
        return Err(invalid("has more than 10 conditions"));
    }
    Ok(conditions)
}

fn condition(text: &str) -> Result<(Condition, &str)> {
    let end = text
        .find([':', '='])
        .ok_or_else(|| invalid("has a condition without : or ="))?;
    let (name, rest) = (text[..end].trim_end(), &text[end..]);
    let operator = &rest[..1];
    let (value, rest) = value(rest[1..].trim_start())?;
    let not_empty = |value: String| {
        let value = Some(value).filter(|value| !value.is_empty());
        value.ok_or_else(|| invalid("has a condition without a value"))
    };
    let condition = match (name, operator) {
        ("labels", ":") => Condition::Label(not_empty(label_key(&value))?),
        ("starred", "=") => match &*value {
            "true" => Condition::Starred(true),
            "false" => Condition::Starred(false),
            _ => {
                return Err(invalid(
                    "compares starred with a value other than true or false",
                ));
            }
        },
        ("email", "=") => Condition::Email(not_empty(identity(&value))?),
        ("phone", "=") => Condition::Phone(not_empty(digits(&value))?),
        ("organization", ":") => Condition::Organization(not_empty(fold(&value))?),
        ("uid", "=") => Condition::Uid(not_empty(uid(&value)?)?),
        ("has", ":") if value == "birthday" => Condition::HasBirthday,
        _ => {
            return Err(invalid(
                "has an unknown field; the fields are labels:, starred=, email=, phone=, \
                 organization:, uid= and has:birthday",
            ));
        }
    };
    Ok((condition, rest))
}

/// A word, or a quoted text in which `\` escapes a quote or itself.
fn value(text: &str) -> Result<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return match &text[..end] {
            "" => Err(invalid("has a condition without a value")),
            word => Ok((word.to_owned(), &text[end..])),
        };
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                _ => return Err(invalid("has a \\ before something else than \" or \\")),
            },
            _ => value.push(c),
        }
    }
    Err(invalid("has an unclosed quote"))
}

/// A uid, as it is stored.
fn uid(value: &str) -> Result<String> {
    let uid =
        parse_uid("filter", value).map_err(|_| invalid("has a uid that no contact can have"))?;
    Ok(uid.unwrap_or_default())
}

fn invalid(problem: &str) -> Error {
    Error::invalid("FILTER_INVALID", "filter", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_their_values_folded() {
        let conditions = parse(
            r#"labels:"Fünf \"Freunde\"" AND starred=true AND email = ADA@example.com
               AND phone="+49 30 1" AND organization:ACME AND has:birthday
               AND uid=urn:Uuid:1"#,
        );
        assert_eq!(
            conditions.unwrap(),
            [
                Condition::Label("fünf \"freunde\"".into()),
                Condition::Starred(true),
                Condition::Email("ada@example.com".into()),
                Condition::Phone("49301".into()),
                Condition::Organization("acme".into()),
                Condition::HasBirthday,
                Condition::Uid("urn:Uuid:1".into()),
            ]
        );
        assert_eq!(parse("  ").unwrap(), []);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "labels",
            "labels:",
            "organization:\"\"",
            "phone=none",
            "labels=x",
            "starred:true",
            "starred=maybe",
            "labels:x OR labels:y",
            "labels:x ANDlabels:y",
            "labels:x AND",
            "NOT starred=true",
            "labels:\"x",
            "labels:\"x\\y\"",
            "has:phone",
            "uid:x",
            "uid=\"\"",
            "notes:\"x\"",
            "é=1",
            "x' OR 1=1 --",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"x".repeat(1001)).is_err());
        assert!(parse(&["starred=true"; 11].join(" AND ")).is_err());
    }
}
