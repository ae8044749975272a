//! Sessions: what they are, and the rules of starting and ending them.

pub mod grant;
pub mod refresh;

use std::sync::Arc;

use chassis::access::token::{Claims, TokenError};
use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::refresh_token::{Codec, RefreshToken};
use crate::model::session::{Client, NewSession, Session};
use crate::model::user::User;
use crate::sessions::grant::{Grant, SECOND_FACTOR, Subject, Wish};
use crate::signing_keys::KeysInForce;
use crate::store;
use crate::store::audit::Event;

/// The `client_id` of tokens that a user's log-in gave.
pub(crate) const CLIENT_ID: &str = "addressbook";

/// How a user has proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the password.
    Password,
    /// By the password, and a code that works once.
    SecondFactor,
}

impl Proof {
    /// The `amr` claim (RFC 8176).
    fn amr(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Password => &["pwd"],
            Self::SecondFactor => &["pwd", "otp", SECOND_FACTOR],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// An access token with the refresh token that replaces it.
pub struct TokenPair {
    /// A JWT.
    pub access_token: String,
    /// When it ends.
    pub access_expire_time: DateTime<Utc>,
    /// The one that is good now.
    pub refresh_token: RefreshToken,
    /// When it ends unless it is used.
    pub refresh_expire_time: DateTime<Utc>,
}

/// A user with a new session.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session's tokens.
    pub tokens: TokenPair,
    /// By which the device is known at the next log-in.
    pub device_token: Zeroizing<String>,
}

/// What tokens say, and how long they live.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim of ordinary tokens.
    pub audience: String,
    /// How long after its log-in a session can administer.
    pub admin_authentication: TimeDelta,
    /// Life of an access token.
    pub access_ttl: TimeDelta,
    /// Life of a session that is not refreshed.
    pub idle_ttl: TimeDelta,
    /// Life of a session at most.
    pub absolute_ttl: TimeDelta,
    /// Time in which a refresh can be repeated without a request id.
    pub grace: TimeDelta,
    /// Live sessions of one user at most.
    pub sessions_per_user: usize,
}

impl TokenSettings {
    /// What every access token says: of somebody who proves who it is at this moment,
    /// and has no session.
    pub(crate) fn claims(
        &self,
        sub: UserId,
        client_id: &str,
        scope: String,
        now: DateTime<Utc>,
    ) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub,
            client_id: client_id.to_owned(),
            jti: Uuid::new_v4(),
            sid: None,
            iat: now.timestamp(),
            exp: (now + self.access_ttl).timestamp(),
            nbf: None,
            scope,
            auth_time: now.timestamp(),
            amr: Vec::new(),
            roles: Vec::new(),
        }
    }
}

/// The time that a token made `now` carries. Revocations of all tokens of a user or a
/// program count by the second: in the second of one, the token is dated to the next.
pub(crate) fn issue_time(now: DateTime<Utc>, revoked: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let second = TimeDelta::seconds(1);
    revoked.map_or(now, |revoked| (revoked + second).clamp(now, now + second))
}

/// The sessions.
pub struct Sessions {
    db: Pool,
    codec: Arc<Codec>,
    settings: TokenSettings,
    clock: Clock,
    keys: KeysInForce,
}

impl Sessions {
    /// Keeps sessions in this database.
    #[must_use]
    pub fn new(
        db: Pool,
        codec: Arc<Codec>,
        keys: KeysInForce,
        settings: TokenSettings,
        clock: Clock,
    ) -> Self {
        Self {
            db,
            codec,
            settings,
            clock,
            keys,
        }
    }

    /// Starts a session of a user who has just proved who it is, and whose row the
    /// transaction holds for a change, so that log-ins of one user follow each other. Of
    /// too many sessions those end that were used the longest ago.
    pub async fn start(
        &self,
        tx: &mut Transaction,
        user: &User,
        proof: Proof,
        wish: Wish<'_>,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<TokenPair> {
        let token = self.codec.first(user.id, Uuid::now_v7())?;
        let absolute_expire_time = now + self.settings.absolute_ttl;
        let subject = Subject {
            auth_time: now,
            amr: proof.amr(),
            roles: user.roles.clone(),
            mfa_enabled: user.mfa_enabled,
            refresh_expire_time: absolute_expire_time.min(now + self.settings.idle_ttl),
            absolute_expire_time,
            tokens_revoke_time: store::revocations::of_user(&mut **tx, user.id).await?,
        };
        let new = NewSession {
            amr: &subject.amr,
            idle_expire_time: subject.refresh_expire_time,
            absolute_expire_time,
            client_label: wish.client_label,
            client,
        };
        store::sessions::insert(&mut **tx, &new, &token, now).await?;
        let event = Event::new(user.id, Kind::LogIn, &client.ip).session(token.session_id);
        store::audit::insert(&mut **tx, event, now).await?;
        let most = self.settings.sessions_per_user;
        // The call may have waited for its hash, and tokens were made meanwhile.
        let ended = self.clock.now();
        let displaced = store::session_ends::displace(tx, user.id, most, ended).await?;
        if displaced > 0 {
            let count = displaced.to_string();
            let event = Event::new(user.id, Kind::SessionsDisplaced, &client.ip);
            let event = event.session(token.session_id).detail(&count);
            store::audit::insert(&mut **tx, event, now).await?;
        }
        store::session_ends::forget_ended(tx, user.id).await?;
        self.pair(token, subject, wish.grant, self.clock.now())
    }

    /// Gives a live session tokens that derive from none of its earlier ones, of which no
    /// copy is good any more.
    pub async fn renew(
        &self,
        tx: &mut Transaction,
        user_id: UserId,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<TokenPair> {
        let generation = store::sessions::lock_generation(&mut **tx, user_id, id, now).await?;
        let generation = generation.ok_or(TokenError::Revoked)?;
        let next = u32::try_from(generation + 1).map_err(|_| Error::SessionExpired)?;
        let token = self.codec.fresh(user_id, id, next)?;
        let idle_expire_time = now + self.settings.idle_ttl;
        let row = store::sessions::replace_token(&mut **tx, &token, idle_expire_time, now)
            .await?
            .ok_or(TokenError::Revoked)?;
        self.pair(token, row.into(), Grant::Ordinary, now)
    }

    /// Ends the session of a refresh token, an old one too; a dead or foreign
    /// token has none to end.
    pub async fn log_out(&self, token: &str, client: &Client) -> Result<()> {
        if let Some(token) = self.codec.parse(token) {
            let session = (token.user_id, token.session_id);
            end(&self.db, &self.clock, session, Kind::LogOut, &client.ip).await?;
        }
        Ok(())
    }

    /// Returns up to `limit` live sessions of a user made before `before`, the
    /// latest first.
    pub async fn list(
        &self,
        user_id: UserId,
        before: Option<Uuid>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>> {
        store::sessions::list(&self.db, user_id, before, limit, now).await
    }

    /// Ends one live session of a user.
    pub async fn revoke(&self, user_id: UserId, id: Uuid, client: &Client) -> Result<()> {
        let (session, kind) = ((user_id, id), Kind::SessionRevoked);
        if end(&self.db, &self.clock, session, kind, &client.ip).await? {
            Ok(())
        } else {
            Err(Error::SessionNotFound)
        }
    }

    /// Ends the live sessions of a user but one; returns how many.
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

    /// Refuses what a session may not have.
    fn ensure(&self, grant: Grant, subject: &Subject, now: DateTime<Utc>) -> Result<()> {
        let since = grant::since(now, self.settings.admin_authentication);
        grant.ensure(subject, since)
    }

    /// Adds a fresh access token to a refresh token. None is signed without the look at
    /// whether it may be.
    fn pair(
        &self,
        refresh_token: RefreshToken,
        subject: Subject,
        grant: Grant,
        now: DateTime<Utc>,
    ) -> Result<TokenPair> {
        self.ensure(grant, &subject, now)?;
        let settings = &self.settings;
        let access_expire_time = subject.absolute_expire_time.min(now + settings.access_ttl);
        let (user_id, scope) = (refresh_token.user_id, grant.scope().to_owned());
        let issued = issue_time(now, subject.tokens_revoke_time);
        let aud = match grant {
            Grant::Ordinary => settings.audience.clone(),
            Grant::Administration => grant::own_audience(&settings.audience),
        };
        let claims = Claims {
            aud,
            sid: Some(refresh_token.session_id),
            exp: access_expire_time.timestamp(),
            auth_time: subject.auth_time.timestamp(),
            amr: subject.amr,
            roles: subject.roles,
            ..settings.claims(user_id, CLIENT_ID, scope, issued)
        };
        Ok(TokenPair {
            access_token: self.keys.load().sign(&claims)?,
            access_expire_time: DateTime::from_timestamp(claims.exp, 0).unwrap_or_default(),
            refresh_expire_time: subject.refresh_expire_time,
            refresh_token,
        })
    }
}

/// Ends one live session; false where it was over. The time is asked for when nobody can
/// refresh it any more: what was made while the call waited lives as long as the
/// revocation is known.
async fn end(
    db: &Pool,
    clock: &Clock,
    (user_id, id): (UserId, Uuid),
    kind: Kind,
    ip: &str,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    store::session_ends::hold(&mut *tx, user_id, id).await?;
    let ended = store::session_ends::revoke(&mut *tx, user_id, id, kind, ip, clock.now()).await?;
    tx.commit().await?;
    Ok(ended)
}
