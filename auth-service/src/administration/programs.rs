//! The accounts of programs.

use std::collections::BTreeSet;

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::clock::Clock;
use chassis::user_id::UserId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Act, Administration, Call};
use crate::audit::Kind;
use crate::error::{Error, Result};
use crate::programs::{CONTACTS, SCOPES};
use crate::refresh_token::sha256;
use crate::sessions::CLIENT_ID;
use crate::store::audit::Event;
use crate::store::service_accounts::{self, Program};

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// What secrets begin with, so that people and scanners know what they found.
const SECRET_PREFIX: &str = "abs1_";

/// The account of a program to make.
#[derive(Clone, Debug)]
pub struct NewProgram {
    client_id: String,
    scopes: Vec<String>,
}

impl NewProgram {
    /// Reads what came over the wire.
    pub fn parse(client_id: String, scopes: Vec<String>) -> Result<Self> {
        if !is_name(&client_id) {
            let problem = "not [a-z][a-z0-9._-]* of at most 64 characters";
            return Err(Error::invalid("CLIENT_ID_INVALID", "client_id", problem));
        }
        let is_known = |scope: &String| SCOPES.contains(&scope.as_str());
        if scopes.is_empty() || !scopes.iter().all(is_known) {
            let problem = format!("has to name some of {}", SCOPES.join(", "));
            return Err(Error::invalid("SCOPE_UNKNOWN", "scopes", problem));
        }
        let sorted: BTreeSet<_> = scopes.into_iter().collect();
        Ok(Self {
            client_id,
            scopes: sorted.into_iter().collect(),
        })
    }
}

impl Administration {
    /// Makes the account of a program; returns it with its secret.
    pub async fn create_program(
        &self,
        call: Call<'_>,
        new: NewProgram,
        clock: &Clock,
    ) -> Result<(Program, SecretString)> {
        ensure_not_built_in(&new.client_id)?;
        let (id, name) = (UserId(Uuid::now_v7()), &new.client_id);
        let mut act = self.begin(call).await?;
        if !service_accounts::insert(&mut *act.tx, name, id, &new.scopes, call.now).await? {
            return Err(Error::ServiceAccountTaken);
        }
        give_secret(act, name, id, Kind::ServiceAccountCreated, clock).await
    }

    /// Returns up to `limit` programs behind the one named `after`, in order of names.
    pub async fn list_programs(&self, after: Option<&str>, limit: i64) -> Result<Vec<Program>> {
        service_accounts::list(&self.db, after.unwrap_or_default(), limit).await
    }

    /// Gives a program one more secret; all but the one before end, and with the first
    /// that does, all tokens of the program until now: nothing tells which secret got them.
    pub async fn rotate_program_secret(
        &self,
        call: Call<'_>,
        name: &str,
        clock: &Clock,
    ) -> Result<(Program, SecretString)> {
        ensure_not_built_in(name)?;
        let mut act = self.begin(call).await?;
        let id = service_accounts::lock(&mut *act.tx, known_name(name)?).await?;
        let id = id.ok_or(Error::ServiceAccountNotFound)?;
        give_secret(act, name, id, Kind::ServiceAccountSecretRotated, clock).await
    }

    /// Deletes the account of a program; its tokens are refused from now on.
    pub async fn delete_program(&self, call: Call<'_>, name: &str, clock: &Clock) -> Result<()> {
        ensure_not_built_in(name)?;
        let mut act = self.begin(call).await?;
        let id = service_accounts::delete(&mut act.tx, known_name(name)?).await?;
        let id = id.ok_or(Error::ServiceAccountNotFound)?;
        let event = Event::new(id, Kind::ServiceAccountDeleted, call.ip).detail(name);
        act.record(event).await?;
        act.revoke_all(id, clock).await?;
        act.commit().await
    }
}

/// Whether the system has this program by itself, and its operator sets what it may.
#[must_use]
pub fn is_built_in(client_id: &str) -> bool {
    // The second is no account, but stands in the tokens of all users.
    [CONTACTS, CLIENT_ID].contains(&client_id)
}

fn ensure_not_built_in(client_id: &str) -> Result<()> {
    if is_built_in(client_id) {
        Err(Error::ServiceAccountBuiltIn)
    } else {
        Ok(())
    }
}

/// What is no name has no account, and the database need not be asked.
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

async fn give_secret(
    mut act: Act<'_>,
    name: &str,
    id: UserId,
    kind: Kind,
    clock: &Clock,
) -> Result<(Program, SecretString)> {
    let secret = random_secret()?;
    let hash = sha256(secret.expose_secret().as_bytes());
    let ended = service_accounts::add_secret(&mut act.tx, name, &hash, act.call.now).await?;
    act.record(Event::new(id, kind, act.call.ip).detail(name))
        .await?;
    let program = service_accounts::get(&mut *act.tx, name).await?;
    if ended > 0 {
        act.revoke_all(id, clock).await?;
    }
    act.commit().await?;
    Ok((program.ok_or(Error::ServiceAccountNotFound)?, secret))
}

/// 256 bits, so that SHA-256 is enough at rest.
fn random_secret() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(&mut *bytes)?;
    let mut text = SECRET_PREFIX.to_owned();
    BASE64_URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    Ok(text.into())
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

    #[test]
    fn a_secret_is_long_and_never_the_same() {
        let (one, other) = (random_secret().unwrap(), random_secret().unwrap());
        assert_eq!(one.expose_secret().len(), 5 + 43);
        assert!(one.expose_secret().starts_with("abs1_"));
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
