//! The user who calls `AccountService`, with the data of the call.

use chassis::access::caller::Caller;
use chassis::serve::deadline::Deadline;
use chrono::{DateTime, Utc};
use tonic::Request;
use uuid::Uuid;

use super::{AccountService, client, count_checked};
use crate::error::Result;
use crate::mfa::Call;
use crate::model::audit::Kind;
use crate::model::session::{Client, UserSession};
use crate::model::user::User;
use crate::passwords::credentials::Attempt;
use crate::throttle::Guess;

/// A user who calls with a valid session.
pub(super) struct AuthenticatedUser {
    pub(super) user: User,
    pub(super) session_id: Uuid,
    pub(super) client: Client,
    pub(super) deadline: Deadline,
    pub(super) now: DateTime<Utc>,
}

impl AccountService {
    /// Refuses a caller without a valid session.
    pub(super) async fn authenticate<T>(&self, request: &Request<T>) -> Result<AuthenticatedUser> {
        let now = self.clock.now();
        let caller = Caller::of(request)?;
        let session = self.accounts.of_caller(&caller, now).await;
        let UserSession { user, session_id } = count_checked(&caller, request, session)?;
        Ok(AuthenticatedUser {
            user,
            session_id,
            client: client(request, &self.proxies),
            deadline: Deadline::of(request),
            now,
        })
    }
}

impl AuthenticatedUser {
    /// The check of the call's current password; a wrong one is recorded as `failure`.
    pub(super) fn attempt(&self, failure: Kind) -> Attempt<'_> {
        Attempt {
            guess: Guess::CurrentPassword,
            failure,
            ip: &self.client.ip,
            deadline: self.deadline,
            now: self.now,
        }
    }

    /// The recorded data of a call about the second factor.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            session_id: Some(self.session_id),
            ip: &self.client.ip,
            now: self.now,
        }
    }
}
