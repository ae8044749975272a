//! Roles.

use std::collections::BTreeSet;

use crate::error::{Error, Result};

/// The role of administrators.
pub const ADMIN: &str = "admin";

/// The roles of a user: sorted, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(Vec<String>);

impl Roles {
    /// The maximum number of roles of a user.
    pub const COUNT_MAX: usize = 16;
    /// The longest role, in characters.
    pub const CHARS_MAX: usize = 32;

    /// Accepts roles, or returns what is wrong with them. They are in every access token,
    /// which must stay small.
    pub fn parse(roles: Vec<String>) -> Result<Self> {
        let invalid = |problem| Error::invalid("ROLE_INVALID", "roles", problem);
        if roles.len() > Self::COUNT_MAX {
            return Err(invalid("must be at most 16"));
        }
        if !roles.iter().all(|role| is_role(role)) {
            return Err(invalid(
                "must match [a-z][a-z0-9_-]*, with at most 32 characters",
            ));
        }
        let sorted: BTreeSet<_> = roles.into_iter().collect();
        Ok(Self(sorted.into_iter().collect()))
    }

    /// The roles, sorted.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn is_role(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= Roles::CHARS_MAX
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

/// Whether these are the roles of an administrator.
#[must_use]
pub fn make_admin(roles: &[String]) -> bool {
    roles.iter().any(|role| role == ADMIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(roles: &[&str]) -> Result<Vec<String>> {
        let roles = roles.iter().map(ToString::to_string).collect();
        Roles::parse(roles).map(|roles| roles.0)
    }

    #[test]
    fn roles_are_sorted_and_none_is_there_twice() {
        let roles = parse(&["support", "admin", "support"]).unwrap();
        assert_eq!(roles, ["admin", "support"]);
        assert!(parse(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_role_is_a_short_word_of_lower_case() {
        for good in ["a", "a-b_9", &"a".repeat(32)] {
            assert!(parse(&[good]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Admin",
            "1a",
            "-a",
            "a b",
            "a\n",
            "ä",
            "a.b",
            &"a".repeat(33),
        ] {
            assert!(parse(&[bad]).is_err(), "{bad:?}");
        }
        assert!(parse(&["a"; 17]).is_err());
    }

    #[test]
    fn only_the_role_itself_makes_an_administrator() {
        let makes_admin = |role: &str| make_admin(&[role.to_owned()]);
        assert!(makes_admin("admin"));
        for other in ["administrator", "admin-", "sub-admin"] {
            assert!(!makes_admin(other), "{other}");
        }
    }
}
