//! `addressbook.auth.v1.ServiceTokenService`.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chassis::access::caller::{Caller, RequireCaller};
use chassis::access::rate_limits::PendingLimits;
use chassis::access::token::{Claims, TokenError};
use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::paging::Sizes;
use chassis::serve::while_allowed::{TOGETHER, while_allowed};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt};
use proto::auth::server::service_token_service_server;
use proto::auth::v1 as pb;
use proto::auth::v1::watch_revocations_response::Revoked;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{count_checked, timestamp};
use crate::error::{Error, Result};
use crate::feeds::deleted_users::{self, Page};
use crate::feeds::revocations::{self, Cursor, FeedItem};
use crate::model::deleted_user::{DeletedUser, DeletedUsersCursor};
use crate::model::revocation::Subject;
use crate::service_accounts::{
    INTROSPECT, REVOCATIONS, ServiceAccounts, TokenRequest, ensure_allowed,
};
use crate::signing_keys::Keeper;

/// The service.
pub struct ServiceTokenService {
    /// The service accounts.
    pub service_accounts: ServiceAccounts,
    /// The pool for the feed of revocations, which polls continuously.
    pub background: Pool,
    /// The signing keys, which can be revoked, too.
    pub keeper: Keeper,
    /// The check of access tokens; one RPC needs none.
    pub guard: RequireCaller,
    /// How long a revocation can matter.
    pub token_life: TimeDelta,
    /// The clock.
    pub clock: Clock,
    /// True when streams must end.
    pub stopping: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl service_token_service_server::ServiceTokenService for ServiceTokenService {
    async fn issue_service_token(
        &self,
        request: Request<pb::IssueServiceTokenRequest>,
    ) -> Result<Response<pb::IssueServiceTokenResponse>, Status> {
        let limits = PendingLimits::of(&request);
        let message = request.into_inner();
        let secret = Zeroizing::new(message.client_secret);
        if let Some(limits) = limits {
            limits
                .count_user((&message.client_id, secret.as_str()))
                .map_err(Error::from)?;
        }
        let request = TokenRequest {
            client_id: &message.client_id,
            secret: &secret,
            scopes: message.scopes,
            audience: &message.audience,
        };

        let token = self
            .service_accounts
            .issue(request, self.clock.now())
            .await?;

        Ok(Response::new(pb::IssueServiceTokenResponse {
            access_token: token.access_token,
            token_type: "Bearer".to_owned(),
            access_expire_time: Some(timestamp(token.expire_time)),
            scopes: token.scopes,
        }))
    }

    async fn introspect_token(
        &self,
        request: Request<pb::IntrospectTokenRequest>,
    ) -> Result<Response<pb::IntrospectTokenResponse>, Status> {
        self.require(&request, INTROSPECT).await?;
        let token = Zeroizing::new(request.into_inner().token);
        if token.is_empty() {
            return Err(Error::invalid("FIELD_INVALID", "token", "is required").into());
        }

        let claims = self
            .service_accounts
            .introspect(&token, self.clock.now())
            .await?;

        Ok(Response::new(claims.map(active).unwrap_or_default()))
    }

    type WatchRevocationsStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchRevocationsResponse, Status>> + Send>>;

    async fn watch_revocations(
        &self,
        request: Request<pb::WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let caller = self.require(&request, REVOCATIONS).await?;
        let since = &request.get_ref().since_cursor;
        let cursor = Cursor::parse(since, self.clock.now(), self.token_life)?;

        let (db, clock) = (self.background.clone(), self.clock.clone());
        let keeper = self.keeper.clone();
        let items = revocations::watch(db, keeper, clock, cursor, self.stopping.clone());
        let (db, guard) = (self.background.clone(), self.guard.clone());
        let key_gone = OnceLock::new();
        let items = while_allowed(items, TOGETHER, async move || {
            match guard.check(&caller) {
                // The key of the subscriber's own token was revoked. The feed still has
                // to send that.
                Err(TokenError::Invalid)
                    if key_gone.get_or_init(Instant::now).elapsed() < KEY_TOLD => {}
                checked => checked?,
            }
            ensure_allowed(&db, &caller, REVOCATIONS).await
        });

        let life = self.token_life;
        let answers =
            items.map(move |item| item.map(|item| answer(item, life)).map_err(Into::into));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn list_deleted_users(
        &self,
        request: Request<pb::ListDeletedUsersRequest>,
    ) -> Result<Response<pb::ListDeletedUsersResponse>, Status> {
        self.require(&request, REVOCATIONS).await?;
        let message = request.get_ref();
        let size = PAGE_SIZES.parse(message.page_size)?;
        let since = position(&message.since_cursor, "CURSOR_INVALID", "since_cursor")?;
        let page_token = position(&message.page_token, "PAGE_TOKEN_INVALID", "page_token")?;
        let (life, now) = (self.token_life, self.clock.now());
        let since = since.map(|since| since.clamped(life, now));
        let since = page_token.or(since).unwrap_or_default();

        let page = deleted_users::list(&self.background, since, size, life, now).await?;

        Ok(Response::new(list_of(page, now - life)))
    }
}

/// Time in which a feed sends the revocation of the key that signed its own token.
const KEY_TOLD: Duration = Duration::from_secs(1);
const PAGE_SIZES: Sizes = Sizes {
    default: 500,
    max: 1000,
};

impl ServiceTokenService {
    async fn require<T>(&self, request: &Request<T>, scope: &str) -> Result<Arc<Caller>, Status> {
        let caller = self.guard.identify(request)?;
        let allowed = self.service_accounts.ensure_allowed(&caller, scope).await;
        count_checked(&caller, request, allowed)?;
        Ok(caller)
    }
}

fn position(
    text: &str,
    reason: &'static str,
    field: &'static str,
) -> Result<Option<DeletedUsersCursor>> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = || Error::invalid(reason, field, "was not issued by this service");
    DeletedUsersCursor::parse(text)
        .ok_or_else(invalid)
        .map(Some)
}

/// Encodes a page. Tokens of users who were deleted before `ended` have all expired.
fn list_of(page: Page, ended: DateTime<Utc>) -> pb::ListDeletedUsersResponse {
    let user = |deleted: DeletedUser| pb::DeletedUser {
        user_id: deleted.user_id.to_string(),
        delete_time: Some(timestamp(deleted.delete_time)),
        tokens_ended: deleted.delete_time < ended,
    };
    pb::ListDeletedUsersResponse {
        deleted_users: page.deleted.into_iter().map(user).collect(),
        next_page_token: page.next.map_or_else(String::new, DeletedUsersCursor::text),
        cursor: page.keep.text(),
    }
}

fn active(claims: Claims) -> pb::IntrospectTokenResponse {
    let time = |seconds| DateTime::from_timestamp(seconds, 0).map(timestamp);
    pb::IntrospectTokenResponse {
        active: true,
        sub: claims.sub.to_string(),
        client_id: claims.client_id,
        session_id: claims.sid.map_or_else(String::new, |id| id.to_string()),
        scope: claims.scope,
        iss: claims.iss,
        aud: claims.aud,
        jti: claims.jti.to_string(),
        issue_time: time(claims.iat),
        expire_time: time(claims.exp),
        auth_time: time(claims.auth_time),
        amr: claims.amr,
        roles: claims.roles,
    }
}

fn answer(item: FeedItem, life: TimeDelta) -> pb::WatchRevocationsResponse {
    let revoke_time = item
        .revocation
        .as_ref()
        .map(|revocation| revocation.revoke_time);
    let forget = |time: DateTime<Utc>| timestamp(time + life);
    let revoked = item.revocation.map(|revocation| match revocation.subject {
        Subject::Session(id) => Revoked::SessionId(id.to_string()),
        Subject::User(id) => Revoked::UserId(id.to_string()),
        Subject::Key(id) => Revoked::KeyId(id),
    });
    pb::WatchRevocationsResponse {
        caught_up: revoked.is_none(),
        revoked,
        revoke_time: revoke_time.map(timestamp),
        forget_time: revoke_time.map(forget),
        cursor: item.cursor.text(),
    }
}
