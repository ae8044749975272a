//! The signing keys, as administrators see them.

use super::{Act, Administration, Call};
use crate::error::{Error, Result};
use crate::signing_keys::Asked;
use crate::store::signing_keys::{KeyInfo, Position, get, list};

/// The key that signs next.
pub struct NextKey {
    /// The key.
    pub key: KeyInfo,
    /// Whether it was staged before.
    pub already_staged: bool,
}

impl Administration {
    /// Stages a new key, unless one is staged already; returns the one that comes next.
    pub async fn rotate_signing_key(&self, call: Call<'_>) -> Result<NextKey> {
        let asked = asked(self.begin(call).await?);
        let next = self.keeper.request_rotation(asked).await?;
        let key = get(&self.db, &next.kid).await?;
        Ok(NextKey {
            key: key.ok_or(Error::SigningKeyNotFound)?,
            already_staged: next.already_staged,
        })
    }

    /// Takes a key out; this service does not sign with it, nor accept it, when the call
    /// returns it.
    pub async fn revoke_signing_key(&self, call: Call<'_>, kid: &str) -> Result<KeyInfo> {
        // What is no base64url is no thumbprint, and perhaps no text for the database.
        if !kid.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::SigningKeyNotFound);
        }
        let asked = asked(self.begin(call).await?);
        self.keeper.revoke(asked, kid).await?;
        get(&self.db, kid).await?.ok_or(Error::SigningKeyNotFound)
    }

    /// Returns up to `limit` keys after `after`, the latest first.
    pub async fn list_signing_keys(
        &self,
        after: Option<&Position>,
        limit: i64,
    ) -> Result<Vec<KeyInfo>> {
        list(&self.db, after, limit).await
    }
}

/// An act that the signing keys go on with.
fn asked(act: Act<'_>) -> Asked<'_> {
    Asked {
        tx: act.tx,
        by: Some(act.call.caller.user_id),
        ip: act.call.ip,
    }
}
