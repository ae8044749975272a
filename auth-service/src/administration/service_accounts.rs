//! Administration of service accounts.

use std::collections::BTreeSet;

use chassis::user_id::UserId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::secrets::Making;
use super::{Act, Administration, Call};
use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::request_id::RequestId;
use crate::service_accounts::{CONTACTS, SCOPES};
use crate::sessions::CLIENT_ID;
use crate::store::audit::Event;
use crate::store::service_accounts::{self as stored, ServiceAccount};
use chassis::sha256::sha256;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A service account to create.
#[derive(Clone, Debug)]
pub struct NewServiceAccount {
    client_id: String,
    scopes: Vec<String>,
    request_id: Option<RequestId>,
}

impl NewServiceAccount {
    /// Parses the request.
    pub fn parse(client_id: String, scopes: Vec<String>, request_id: &str) -> Result<Self> {
        let request_id = RequestId::parse(request_id)?;
        if !is_name(&client_id) {
            let problem = "must match [a-z][a-z0-9._-]*, with at most 64 characters";
            return Err(Error::invalid("CLIENT_ID_INVALID", "client_id", problem));
        }
        let is_known = |scope: &String| SCOPES.contains(&scope.as_str());
        if scopes.is_empty() || !scopes.iter().all(is_known) {
            let problem = format!("must contain some of {}", SCOPES.join(", "));
            return Err(Error::invalid("SCOPE_UNKNOWN", "scopes", problem));
        }
        let sorted: BTreeSet<_> = scopes.into_iter().collect();
        Ok(Self {
            client_id,
            scopes: sorted.into_iter().collect(),
            request_id,
        })
    }
}

/// A service account with a secret in clear text: returned once, never stored.
pub struct AccountWithSecret {
    /// The account.
    pub account: ServiceAccount,
    /// Its new secret.
    pub secret: SecretString,
}

impl Administration {
    /// Creates a service account; returns it with its secret. A repeat of the call with
    /// the same `request_id` returns the same, for a day.
    pub async fn create_service_account(
        &self,
        call: Call<'_>,
        new: NewServiceAccount,
    ) -> Result<AccountWithSecret> {
        ensure_not_built_in(&new.client_id)?;
        let (id, name) = (UserId(Uuid::now_v7()), &new.client_id);
        let making = Making {
            caller: call.caller.user_id,
            act: "create",
            client_id: name,
            scopes: &new.scopes,
            request_id: new.request_id,
        };
        let mut act = self.begin(call).await?;
        if !stored::insert(&mut *act.tx, name, id, &new.scopes, call.now).await? {
            let before = self.made_before(&mut act, &making).await?;
            return before.ok_or(Error::ServiceAccountTaken);
        }
        let kind = Kind::ServiceAccountCreated;
        self.give_secret(act, &making, id, kind).await
    }

    /// Returns up to `limit` service accounts after the one named `after`, sorted by
    /// name.
    pub async fn list_service_accounts(
        &self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ServiceAccount>> {
        stored::list(&self.db, after.unwrap_or_default(), limit).await
    }

    /// Adds a secret to a service account. Of the older secrets only the latest stays
    /// valid. If another one is removed, all existing tokens of the account are revoked,
    /// because it is not known which secret each was issued for. A repeat of the call
    /// with the same `request_id` returns the same secret, for a day.
    pub async fn rotate_service_account_secret(
        &self,
        call: Call<'_>,
        name: &str,
        request_id: &str,
    ) -> Result<AccountWithSecret> {
        ensure_not_built_in(name)?;
        let making = Making {
            caller: call.caller.user_id,
            act: "rotate",
            client_id: name,
            scopes: &[],
            request_id: RequestId::parse(request_id)?,
        };
        let mut act = self.begin(call).await?;
        let id = stored::lock(&mut *act.tx, known_name(name)?).await?;
        let id = id.ok_or(Error::ServiceAccountNotFound)?;
        if let Some(before) = self.made_before(&mut act, &making).await? {
            return Ok(before);
        }
        let kind = Kind::ServiceAccountSecretRotated;
        self.give_secret(act, &making, id, kind).await
    }

    /// Returns the response of the earlier call that this one repeats, if there was one.
    async fn made_before(
        &self,
        act: &mut Act<'_>,
        making: &Making<'_>,
    ) -> Result<Option<AccountWithSecret>> {
        let live = stored::secrets(&mut *act.tx, making.client_id).await?;
        let Some(secret) = self.secrets.made_before(making, &live, act.call.now) else {
            return Ok(None);
        };
        let account = stored::get(&mut *act.tx, making.client_id).await?;
        Ok(account.map(|account| AccountWithSecret { account, secret }))
    }

    async fn give_secret(
        &self,
        mut act: Act<'_>,
        making: &Making<'_>,
        id: UserId,
        kind: Kind,
    ) -> Result<AccountWithSecret> {
        let (name, now) = (making.client_id, act.call.now);
        let secret = self.secrets.make(making, now)?;
        let hash = sha256(secret.expose_secret().as_bytes());
        let ended = stored::add_secret(&mut act.tx, name, &hash, now).await?;
        act.record(Event::new(id, kind, act.call.ip).detail(name))
            .await?;
        let account = stored::get(&mut *act.tx, name).await?;
        if ended > 0 {
            act.revoke_all(id, &self.clock).await?;
        }
        act.commit().await?;
        let account = account.ok_or(Error::ServiceAccountNotFound)?;
        Ok(AccountWithSecret { account, secret })
    }

    /// Deletes a service account; its tokens are refused from now on.
    pub async fn delete_service_account(&self, call: Call<'_>, name: &str) -> Result<()> {
        ensure_not_built_in(name)?;
        let mut act = self.begin(call).await?;
        let id = stored::delete(&mut act.tx, known_name(name)?).await?;
        let id = id.ok_or(Error::ServiceAccountNotFound)?;
        let event = Event::new(id, Kind::ServiceAccountDeleted, call.ip).detail(name);
        act.record(event).await?;
        act.revoke_all(id, &self.clock).await?;
        act.commit().await
    }
}

/// Whether this service account is part of the system, and only the operator changes it.
#[must_use]
pub fn is_built_in(client_id: &str) -> bool {
    // No account has the second name: it is the `client_id` in the tokens of all users.
    [CONTACTS, CLIENT_ID].contains(&client_id)
}

fn ensure_not_built_in(client_id: &str) -> Result<()> {
    if is_built_in(client_id) {
        Err(Error::ServiceAccountBuiltIn)
    } else {
        Ok(())
    }
}

/// An invalid name has no account, so no query is needed.
fn known_name(text: &str) -> Result<&str> {
    if is_name(text) {
        Ok(text)
    } else {
        Err(Error::ServiceAccountNotFound)
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= NAME_BYTES_MAX
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "report-mailer", "a.b_c-9", &"a".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "A",
            "9a",
            "-a",
            "a b",
            "a\0",
            "ä",
            "a/b",
            &"a".repeat(65),
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
