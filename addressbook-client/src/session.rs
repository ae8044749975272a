//! The access token of the calls, and its refresh by one task at a time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use proto::auth::v1::RefreshTokenRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use uuid::Uuid;

use crate::clock;
use crate::credentials::Credentials;
use crate::error::{Error, Kind};
use crate::servers::Servers;
use crate::store::{Locked, Store};
use crate::transport::Transport;

/// A token that expires sooner is refreshed before it is used.
const MARGIN: Duration = Duration::from_secs(30);

/// A token that was just issued is used at least this long, whatever this machine's clock
/// says. If it expires earlier, its server refuses it, and it is refreshed then.
const FRESH_MIN: Duration = Duration::from_mins(1);

/// `ErrorInfo.reason` of `RefreshToken` when the session is over.
const REASONS_OF_THE_END: [&str; 4] = [
    "REFRESH_TOKEN_INVALID",
    "REFRESH_TOKEN_REUSED",
    "SESSION_REVOKED",
    "SESSION_EXPIRED",
];

/// An access token, to be sent as `authorization: Bearer <token>`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    text: Arc<str>,
    fresh_until: Instant,
}

impl AccessToken {
    /// The token. Keep it secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds the token to the headers of a call.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let value = HeaderValue::try_from(format!("Bearer {}", self.text));
        let mut value = value.map_err(Error::internal)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn new(credentials: &Credentials, fresh_min: Duration) -> Self {
        let left = time_left(credentials.access_expire_time);
        Self {
            text: credentials.access_token.as_str().into(),
            fresh_until: Instant::now() + left.max(fresh_min),
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

/// How long a token that expires at `end` can be used.
fn time_left(end: DateTime<Utc>) -> Duration {
    let left = (end - clock::now()).to_std().unwrap_or_default();
    left.saturating_sub(MARGIN)
}

type Refresh = Shared<BoxFuture<'static, Result<AccessToken, Error>>>;

/// The session of a profile.
pub(crate) struct Session {
    servers: Servers,
    auth: AuthServiceClient<Transport>,
    store: Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last token.
    token: Option<AccessToken>,
    /// The task that reads or refreshes it, if one is running.
    running: Option<Refresh>,
}

impl Session {
    /// `auth` makes its calls without an access token, to one of the servers.
    pub(crate) fn new(
        servers: Servers,
        auth: AuthServiceClient<Transport>,
        store: Store,
    ) -> Arc<Self> {
        Arc::new(Self {
            servers,
            auth,
            store,
            state: Mutex::default(),
        })
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Locks the profile to use its credentials. Those of other servers, where another program
    /// may have logged in meanwhile, are refused: this session would send them to its own.
    pub(crate) async fn lock(&self) -> Result<Locked, Error> {
        let locked = self.store.lock().await?;
        let Servers { auth, contacts, .. } = &locked.profile.servers;
        let is_ours = (auth, contacts) == (&self.servers.auth, &self.servers.contacts);
        if locked.profile.credentials.is_some() && !is_ours {
            return Err(Error::logged_in_elsewhere(auth));
        }
        Ok(locked)
    }

    /// A token that is valid for a while; a refreshed one if necessary.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<AccessToken, Error> {
        self.obtain(None).await
    }

    /// Another token than this one, which a server refused as expired.
    pub(crate) async fn token_after(
        self: &Arc<Self>,
        refused: &AccessToken,
    ) -> Result<AccessToken, Error> {
        self.obtain(Some(refused)).await
    }

    /// The next call reads the stored profile.
    pub(crate) fn forget(&self) {
        self.state().token = None;
    }

    /// The token at hand, or what the one running task will return. The task ends even if
    /// nobody waits for it any longer, so that no new refresh token is lost.
    fn obtain(self: &Arc<Self>, refused: Option<&AccessToken>) -> Refresh {
        let mut state = self.state();
        let is_useful = |token: &&AccessToken| {
            Instant::now() < token.fresh_until
                && refused.is_none_or(|refused| refused.text != token.text)
        };
        if let Some(token) = state.token.as_ref().filter(is_useful) {
            return std::future::ready(Ok(token.clone())).boxed().shared();
        }
        if let Some(running) = &state.running {
            return running.clone();
        }
        let (session, refused) = (Arc::clone(self), refused.cloned());
        let task = tokio::spawn(async move {
            let result = session.read_or_refresh(refused.as_ref()).await;
            let mut state = session.state();
            state.running = None;
            state.token = result.as_ref().ok().cloned();
            drop(state);
            result
        });
        let running = async {
            let result = task.await;
            result.unwrap_or_else(|cause| Err(Error::internal(cause)))
        };
        let running = running.boxed().shared();
        state.running = Some(running.clone());
        running
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid after each statement that changes it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stored token, if it can be used and was not refused; otherwise a new one. No
    /// other program refreshes meanwhile.
    async fn read_or_refresh(&self, refused: Option<&AccessToken>) -> Result<AccessToken, Error> {
        let mut locked = self.lock().await?;
        let stored = locked.profile.credentials.as_mut();
        let stored = stored.ok_or_else(Error::not_logged_in)?;
        let is_refused = refused.is_some_and(|refused| *refused.text == *stored.access_token);
        if !is_refused && !time_left(stored.access_expire_time).is_zero() {
            return Ok(AccessToken::new(stored, Duration::ZERO));
        }
        let request = RefreshTokenRequest {
            refresh_token: stored.refresh_token.clone(),
            request_id: stored
                .refresh_request
                .get_or_insert_with(|| Uuid::new_v4().to_string())
                .clone(),
            ..RefreshTokenRequest::default()
        };
        // Stored first: if this program is killed, the next one repeats the same request.
        locked.write()?;
        let response = self.auth.clone().refresh_token(request).await;
        match response.map_err(Error::from) {
            Ok(response) => {
                let credentials = Credentials::try_from(response.into_inner().tokens)?;
                let token = AccessToken::new(&credentials, FRESH_MIN);
                locked.profile.credentials = Some(credentials);
                locked.write()?;
                Ok(token)
            }
            Err(error) => {
                if has_ended(&error) {
                    locked.profile.credentials = None;
                    locked.write()?;
                }
                Err(error)
            }
        }
    }
}

/// Whether the session cannot be refreshed any more. Only the auth service can know: a proxy
/// may refuse a call as unauthenticated, too.
fn has_ended(error: &Error) -> bool {
    error.kind == Kind::Unauthenticated && REASONS_OF_THE_END.contains(&&*error.reason)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn only_the_auth_service_ends_a_session() {
        let ended = ErrorDetails::with_error_info("SESSION_REVOKED", "addressbook", HashMap::new());
        let ended = Status::with_error_details(Code::Unauthenticated, "revoked", ended);

        assert!(has_ended(&ended.into()));
        assert!(!has_ended(&Status::unauthenticated("of a proxy").into()));
    }
}
