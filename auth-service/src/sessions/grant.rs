//! The scopes of an access token: ordinary ones, or administration.
//!
//! Whoever controls a service sees the tokens that are sent to it. Therefore a token with
//! `auth.admin` is valid at the auth service only, and is issued only if it is requested
//! by name soon after a log-in.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, Result};
use crate::model::roles;

/// The scope of administrators.
pub const ADMIN_SCOPE: &str = "auth.admin";

/// The scopes of ordinary tokens.
const ORDINARY_SCOPE: &str = "contacts.read contacts.write";

/// The value in `amr` after a second factor (RFC 8176).
pub(crate) const SECOND_FACTOR: &str = "mfa";

/// The scopes that a user requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The ordinary scopes, at both services.
    Ordinary,
    /// `auth.admin`, and nothing else.
    Administration,
}

impl Grant {
    /// Parses the requested scopes.
    pub fn parse(scopes: &[String]) -> Result<Self> {
        if scopes.iter().any(|scope| scope != ADMIN_SCOPE) {
            let problem = "may contain only auth.admin";
            return Err(Error::invalid("SCOPE_UNKNOWN", "scopes", problem));
        }
        Ok(if scopes.is_empty() {
            Self::Ordinary
        } else {
            Self::Administration
        })
    }

    /// The scopes requested by name.
    pub(crate) fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Ordinary => &[],
            Self::Administration => &[ADMIN_SCOPE],
        }
    }

    /// The `scope` claim.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::Ordinary => ORDINARY_SCOPE,
            Self::Administration => ADMIN_SCOPE,
        }
    }

    /// Refuses users without the role for it.
    pub(crate) fn ensure_role(self, roles: &[String]) -> Result<()> {
        if self == Self::Administration && !roles::make_admin(roles) {
            return Err(Error::ScopeNotAllowed {
                scope: ADMIN_SCOPE.to_owned(),
            });
        }
        Ok(())
    }

    /// Refuses a user without the role, or whose log-in is too old or lacks the second
    /// factor.
    pub(crate) fn ensure(self, subject: &Subject, since: DateTime<Utc>) -> Result<()> {
        self.ensure_role(&subject.roles)?;
        if self == Self::Ordinary {
            return Ok(());
        }
        if subject.auth_time < since {
            return Err(Error::AuthenticationTooOld);
        }
        if subject.mfa_enabled && !subject.amr.iter().any(|method| method == SECOND_FACTOR) {
            return Err(Error::AuthenticationTooWeak);
        }
        Ok(())
    }
}

/// The requested properties of a log-in's session.
#[derive(Clone, Copy, Debug)]
pub struct SessionRequest<'a> {
    /// Its label.
    pub client_label: &'a str,
    /// The scopes of its first access token.
    pub grant: Grant,
}

/// The subject of an access token.
pub(crate) struct Subject {
    /// When the user logged in.
    pub(crate) auth_time: DateTime<Utc>,
    /// The authentication methods.
    pub(crate) amr: Vec<String>,
    /// The user's roles.
    pub(crate) roles: Vec<String>,
    /// Whether the account has a second factor.
    pub(crate) mfa_enabled: bool,
    pub(crate) refresh_expire_time: DateTime<Utc>,
    pub(crate) absolute_expire_time: DateTime<Utc>,
    /// Until when all access tokens of the user are revoked.
    pub(crate) tokens_revoke_time: Option<DateTime<Utc>>,
}

/// The audience of tokens for the auth service alone.
#[must_use]
pub fn own_audience(audience: &str) -> String {
    format!("{audience}/auth")
}

/// The earliest log-in after which a session can administer, as of `now`.
pub(crate) fn since(now: DateTime<Utc>, recent: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(recent).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn only_administration_is_asked_for_by_name() {
        let parse = |text| Grant::parse(&words(text));
        assert_eq!(parse("").unwrap(), Grant::Ordinary);
        assert_eq!(parse("auth.admin").unwrap(), Grant::Administration);
        for unknown in ["contacts.read", "auth.admin contacts.read", "Auth.admin"] {
            assert!(parse(unknown).is_err(), "{unknown}");
        }
        assert!(Grant::parse(&[String::new()]).is_err());
        for grant in [Grant::Ordinary, Grant::Administration] {
            let again: Vec<_> = grant.scopes().iter().map(ToString::to_string).collect();
            assert_eq!(Grant::parse(&again).unwrap(), grant);
        }
    }

    #[test]
    fn administration_requires_the_role_and_a_recent_log_in_with_both_factors() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let ensure = |roles, mfa_enabled, auth_time, amr| {
            let subject = Subject {
                auth_time: at(auth_time),
                amr: words(amr),
                roles: words(roles),
                mfa_enabled,
                refresh_expire_time: at(1000),
                absolute_expire_time: at(1000),
                tokens_revoke_time: None,
            };
            Grant::Ordinary.ensure(&subject, at(100)).unwrap();
            Grant::Administration.ensure(&subject, at(100))
        };
        ensure("admin", false, 100, "pwd").unwrap();
        ensure("admin support", true, 101, "pwd otp mfa").unwrap();
        for other in ["", "administrator", "admin-", "sub-admin"] {
            let refused = ensure(other, false, 100, "pwd");
            assert!(matches!(refused, Err(Error::ScopeNotAllowed { .. })));
        }
        let old = ensure("admin", true, 99, "pwd otp mfa");
        assert!(matches!(old, Err(Error::AuthenticationTooOld)));
        for weak in ["", "pwd", "pwd otp"] {
            let refused = ensure("admin", true, 100, weak);
            assert!(matches!(refused, Err(Error::AuthenticationTooWeak)));
        }
    }
}
