//! The signing keys, for administrators.

use super::{Act, Administration, Call};
use crate::error::{Error, Result};
use crate::signing_keys::KeyChange;
use crate::store::signing_keys::{KeyCursor, KeyInfo, get, list};

/// The key that signs next.
pub struct NextKey {
    /// The key.
    pub key: KeyInfo,
    /// Whether it was staged before.
    pub already_staged: bool,
}

impl Administration {
    /// Stages a new key, unless one is staged already; returns the next key.
    pub async fn rotate_signing_key(&self, call: Call<'_>) -> Result<NextKey> {
        let change = change(self.begin(call).await?);
        let next = self.keeper.request_rotation(change).await?;
        let key = get(&self.db, &next.kid).await?;
        Ok(NextKey {
            key: key.ok_or(Error::SigningKeyNotFound)?,
            already_staged: next.already_staged,
        })
    }

    /// Revokes a key; when the call returns, this service neither signs with it nor
    /// accepts it.
    pub async fn revoke_signing_key(&self, call: Call<'_>, kid: &str) -> Result<KeyInfo> {
        // Text that is not base64url cannot be a thumbprint, and may not be valid for the
        // database.
        if !kid.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::SigningKeyNotFound);
        }
        let change = change(self.begin(call).await?);
        self.keeper.revoke(change, kid).await?;
        get(&self.db, kid).await?.ok_or(Error::SigningKeyNotFound)
    }

    /// Returns up to `limit` keys after `after`, the latest first.
    pub async fn list_signing_keys(
        &self,
        after: Option<&KeyCursor>,
        limit: i64,
    ) -> Result<Vec<KeyInfo>> {
        list(&self.db, after, limit).await
    }
}

/// A transaction of an administrator that changes signing keys.
fn change(act: Act<'_>) -> KeyChange<'_> {
    KeyChange {
        tx: act.tx,
        by: Some(act.call.caller.user_id),
        ip: act.call.ip,
    }
}
