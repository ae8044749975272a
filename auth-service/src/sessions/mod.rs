//! Sessions, and the rules for starting them.

pub mod ends;
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
use crate::sessions::grant::{Grant, SECOND_FACTOR, SessionRequest, Subject};
use crate::signing_keys::KeysInForce;
use crate::store;
use crate::store::audit::Event;

/// The `client_id` of users' tokens.
pub(crate) const CLIENT_ID: &str = "addressbook";

/// How a user authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The password.
    Password,
    /// The password and a one-time code.
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
    /// When it expires.
    pub access_expire_time: DateTime<Utc>,
    /// The current refresh token.
    pub refresh_token: RefreshToken,
    /// When it expires unless it is used.
    pub refresh_expire_time: DateTime<Utc>,
}

/// A user with a new session.
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// The session's tokens.
    pub tokens: TokenPair,
    /// The token that identifies the device at the next log-in.
    pub device_token: Zeroizing<String>,
}

/// The settings of tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim of ordinary tokens.
    pub audience: String,
    /// How long after its log-in a session can administer.
    pub admin_authentication: TimeDelta,
    /// The lifetime of an access token.
    pub access_ttl: TimeDelta,
    /// The lifetime of a session that is not refreshed.
    pub idle_ttl: TimeDelta,
    /// The maximum lifetime of a session.
    pub absolute_ttl: TimeDelta,
    /// The time in which a refresh can be repeated without a request id.
    pub grace: TimeDelta,
    /// The maximum number of valid sessions per user.
    pub sessions_per_user: usize,
}

impl TokenSettings {
    /// The common claims of access tokens, for a subject that authenticates now and has
    /// no session.
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

/// The issue time of a token created `now`. Revocations of all tokens of a user or a
/// program are compared in whole seconds. A token that is created in the same second as
/// such a revocation is valid, so its issue time is the next second.
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
    /// Stores sessions in this database.
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

    /// Starts a session of a user who has just authenticated, and whose row the
    /// transaction has locked, so that log-ins of one user run one after the other. If
    /// there are too many sessions, the least recently used ones are revoked.
    pub async fn start(
        &self,
        tx: &mut Transaction,
        user: &User,
        proof: Proof,
        request: SessionRequest<'_>,
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
            client_label: request.client_label,
            client,
        };
        store::sessions::insert(&mut **tx, &new, &token, now).await?;
        let event = Event::new(user.id, Kind::LogIn, &client.ip).session(token.session_id);
        store::audit::insert(&mut **tx, event, now).await?;
        let most = self.settings.sessions_per_user;
        // Read again, because the call may have waited for its hash while tokens were
        // issued.
        let ended = self.clock.now();
        let displaced = store::session_ends::displace(tx, user.id, most, ended).await?;
        if displaced > 0 {
            let count = displaced.to_string();
            let event = Event::new(user.id, Kind::SessionsDisplaced, &client.ip);
            let event = event.session(token.session_id).detail(&count);
            store::audit::insert(&mut **tx, event, now).await?;
        }
        store::session_ends::forget_ended(tx, user.id).await?;
        self.pair(token, subject, request.grant, self.clock.now())
    }

    /// Issues tokens for a valid session that are not derived from its earlier ones, so
    /// that copies of those no longer work.
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

    /// Returns up to `limit` valid sessions of a user created before `before`, the latest
    /// first.
    pub async fn list(
        &self,
        user_id: UserId,
        before: Option<Uuid>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>> {
        store::sessions::list(&self.db, user_id, before, limit, now).await
    }

    /// Refuses scopes that a session may not have.
    fn ensure(&self, grant: Grant, subject: &Subject, now: DateTime<Utc>) -> Result<()> {
        let since = grant::since(now, self.settings.admin_authentication);
        grant.ensure(subject, since)
    }

    /// Adds a new access token to a refresh token. Every token passes the check of its
    /// scopes here.
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
