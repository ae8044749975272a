//! Administration of users.

use chassis::user_id::UserId;
use unicode_normalization::UnicodeNormalization;

use super::{Act, Administration, Call};
use crate::accounts::deletion;
use crate::error::{Error, Result};
use crate::mail::About;
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::roles::{self, Roles};
use crate::model::user::User;
use crate::store;
use crate::store::audit::Event;

/// The new roles of a user.
#[derive(Clone, Debug)]
pub struct RolesChange {
    /// All roles.
    pub roles: Roles,
    /// The etag that the change is based on; empty for any.
    pub etag: String,
}

impl Administration {
    /// Returns up to `limit` users whose e-mail begins with `prefix`, after the e-mail
    /// `after`, sorted by e-mail.
    pub async fn list_users(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<User>> {
        let prefix = normal_prefix(prefix)?;
        // After all addresses with this prefix and before all others, because no address
        // contains this character.
        let until = format!("{prefix}{}", char::MAX);
        let after = after.unwrap_or_default();
        store::users::list(&self.db, &prefix, &until, after, limit).await
    }

    /// Returns a user.
    pub async fn get_user(&self, id: UserId) -> Result<User> {
        let user = store::users::get(&self.db, id).await?;
        user.ok_or(Error::UserNotFound)
    }

    /// Disables a user: log-ins and refreshes fail, and every access token is refused.
    pub async fn disable_user(&self, call: Call<'_>, id: UserId) -> Result<User> {
        let mut act = self.begin(call).await?;
        act.ensure_another_admin_than(id)?;
        let kind = Kind::UserDisabled;
        let Some(user) = store::users::set_disabled(&mut *act.tx, id, true, call.now).await? else {
            // Disabled already, or missing.
            return get(&mut act, id).await;
        };
        act.record(Event::new(id, kind, call.ip)).await?;
        store::session_ends::end_all(&mut act.tx, id, None, kind, &self.clock).await?;
        act.revoke_all(id, &self.clock).await?;
        act.commit().await?;
        Ok(user)
    }

    /// Enables a user.
    pub async fn enable_user(&self, call: Call<'_>, id: UserId) -> Result<User> {
        let mut act = self.begin(call).await?;
        let changed = store::users::set_disabled(&mut *act.tx, id, false, call.now).await?;
        let Some(user) = changed else {
            return get(&mut act, id).await;
        };
        act.record(Event::new(id, Kind::UserEnabled, call.ip))
            .await?;
        act.commit().await?;
        Ok(user)
    }

    /// Deletes the account of a user permanently, as the user itself can.
    pub async fn delete_user(&self, call: Call<'_>, id: UserId) -> Result<()> {
        let mut tx = self.open(call).await?;
        // Read without a lock: `take` locks the e-mail first, as a log-in does, and the
        // start of the change then locks all administrators, who may include this user.
        let user = store::users::get(&mut *tx, id).await?;
        let taken = match &user {
            Some(user) => deletion::take(&mut tx, user, None).await?,
            None => None,
        };
        let mut act = Act::begin(tx, call).await?;
        act.ensure_another_admin_than(id)?;
        let ended = match taken {
            Some(taken) => deletion::end(&mut act.tx, taken, &self.throttle, &self.clock).await?,
            None => None,
        };
        if ended.is_none() {
            // The account was deleted or changed meanwhile.
            let etag = get(&mut act, id).await?.etag();
            return Err(Error::EtagMismatch { etag });
        }
        act.record(Event::new(id, Kind::UserDeleted, "")).await?;
        act.commit().await
    }

    /// Disables a user's second factor, for a user who has lost it and proved their
    /// identity otherwise.
    pub async fn reset_user_mfa(&self, call: Call<'_>, id: UserId) -> Result<User> {
        let mut act = self.begin(call).await?;
        if id == call.caller.user_id {
            return Err(Error::OwnAccount);
        }
        let user = store::users::lock_for_change(&mut *act.tx, id).await?;
        let user = user.ok_or(Error::UserNotFound)?;
        let about = About {
            ip: call.ip,
            now: call.now,
        };
        let Some(changed) = self.mfa.reset(&mut act.tx, id, about).await? else {
            return Ok(user);
        };
        act.record(Event::new(id, Kind::UserMfaReset, call.ip))
            .await?;
        act.commit().await?;
        Ok(changed)
    }

    /// Revokes every session of a user; returns how many.
    pub async fn revoke_user_sessions(&self, call: Call<'_>, id: UserId) -> Result<u64> {
        let mut act = self.begin(call).await?;
        // Waits for concurrent log-ins.
        let user = store::users::lock_for_change(&mut *act.tx, id).await?;
        user.ok_or(Error::UserNotFound)?;
        let kind = Kind::UserSessionsRevoked;
        let count = store::session_ends::end_all(&mut act.tx, id, None, kind, &self.clock).await?;
        act.record(Event::new(id, kind, call.ip)).await?;
        act.commit().await?;
        Ok(count)
    }

    /// Replaces a user's roles. If a role is removed, the user's access tokens are
    /// revoked; a refresh returns one without it.
    pub async fn set_user_roles(
        &self,
        call: Call<'_>,
        id: UserId,
        change: RolesChange,
    ) -> Result<User> {
        let mut act = self.begin(call).await?;
        let user = store::users::lock_for_change(&mut *act.tx, id)
            .await?
            .ok_or(Error::UserNotFound)?;
        if !change.etag.is_empty() && change.etag != user.etag() {
            return Err(Error::EtagMismatch { etag: user.etag() });
        }
        let (old, new) = (&user.roles, change.roles.as_slice());
        if roles::make_admin(old) && !roles::make_admin(new) {
            act.ensure_another_admin_than(id)?;
        }
        if old == new {
            return Ok(user);
        }
        // Otherwise somebody who signed up with another person's address could get a role
        // that is meant for that person.
        if roles::make_admin(new) && !roles::make_admin(old) && !user.email_verified {
            return Err(Error::EmailNotVerified);
        }
        let changed = store::users::set_roles(&mut *act.tx, id, new, call.now).await?;
        let detail = change_of_roles(old, new);
        let event = Event::new(id, Kind::UserRolesSet, call.ip).detail(&detail);
        act.record(event).await?;
        if old.iter().any(|role| !new.contains(role)) {
            act.revoke_all(id, &self.clock).await?;
        }
        act.commit().await?;
        changed.ok_or(Error::UserNotFound)
    }
}

async fn get(act: &mut Act<'_>, id: UserId) -> Result<User> {
    let user = store::users::get(&mut *act.tx, id).await?;
    user.ok_or(Error::UserNotFound)
}

/// A change of roles as text, for the audit log.
pub(super) fn change_of_roles(old: &[String], new: &[String]) -> String {
    format!("[{}] -> [{}]", old.join(" "), new.join(" "))
}

/// A normalized prefix of an e-mail. A whole address is normalized, a part of one as far
/// as possible.
fn normal_prefix(text: &str) -> Result<String> {
    let text = text.trim();
    let invalid = |problem| Error::invalid("EMAIL_PREFIX_INVALID", "email_prefix", problem);
    if text.len() > Email::BYTES_MAX {
        return Err(invalid("must have at most 254 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid("must not contain a control character"));
    }
    if let Ok(email) = Email::parse(text) {
        return Ok(email.as_str().to_owned());
    }
    let lower = text.nfc().collect::<String>().to_lowercase();
    Ok(lower.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_brought_into_normal_form() {
        for (text, normal) in [
            ("", ""),
            (" Ada", "ada"),
            ("ADA@Exam", "ada@exam"),
            ("ada@", "ada@"),
            ("Ada@Bücher.example", "ada@xn--bcher-kva.example"),
            ("A\u{308}", "\u{e4}"),
        ] {
            assert_eq!(normal_prefix(text).unwrap(), normal, "{text}");
        }
        for bad in ["a\0", "a\nb", &"a".repeat(255)] {
            assert!(normal_prefix(bad).is_err(), "{bad:?}");
        }
    }
}
