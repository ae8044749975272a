//! Revoking sessions.

use chassis::access::token::TokenError;
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use uuid::Uuid;

use super::Sessions;
use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::session::Client;
use crate::store;
use crate::store::audit::Event;

impl Sessions {
    /// Revokes the session of a refresh token, even if the token was replaced since. Does
    /// nothing for a token that this service did not issue, or whose session has ended.
    pub async fn log_out(&self, token: &str, client: &Client) -> Result<()> {
        if let Some(token) = self.codec.parse(token) {
            let session = (token.user_id, token.session_id);
            end(&self.db, &self.clock, session, Kind::LogOut, &client.ip).await?;
        }
        Ok(())
    }

    /// Revokes one valid session of a user, as a session of the same user requests. If two
    /// sessions revoke each other at once, the slower call is refused as revoked.
    pub async fn revoke(
        &self,
        user_id: UserId,
        asker: Uuid,
        id: Uuid,
        client: &Client,
    ) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::session_ends::hold(&mut *tx, user_id, &[asker, id]).await?;
        if !store::session_ends::is_alive(&mut *tx, user_id, asker).await? {
            return Err(TokenError::Revoked.into());
        }
        let (kind, now) = (Kind::SessionRevoked, self.clock.now());
        if !store::session_ends::revoke(&mut *tx, user_id, id, kind, &client.ip, now).await? {
            return Err(Error::SessionNotFound);
        }
        tx.commit().await?;
        Ok(())
    }

    /// Revokes the valid sessions of a user except one; returns how many.
    pub async fn revoke_others(
        &self,
        user_id: UserId,
        spared: Uuid,
        client: &Client,
    ) -> Result<u64> {
        let kind = Kind::OtherSessionsRevoked;
        let mut tx = self.db.begin_in_turn(user_id.0).await?;
        let count =
            store::session_ends::end_all(&mut tx, user_id, Some(spared), kind, &self.clock).await?;
        let event = Event::new(user_id, kind, &client.ip).session(spared);
        store::audit::insert(&mut *tx, event, self.clock.now()).await?;
        tx.commit().await?;
        Ok(count)
    }
}

/// Revokes one valid session; false if it had ended. The time is read when the session
/// can no longer be refreshed, so that tokens issued while the call waited are covered by
/// the revocation.
pub(super) async fn end(
    db: &Pool,
    clock: &Clock,
    (user_id, id): (UserId, Uuid),
    kind: Kind,
    ip: &str,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    store::session_ends::hold(&mut *tx, user_id, &[id]).await?;
    let ended = store::session_ends::revoke(&mut *tx, user_id, id, kind, ip, clock.now()).await?;
    tx.commit().await?;
    Ok(ended)
}
