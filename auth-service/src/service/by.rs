//! Who calls about its own account, and how.

use chassis::access::caller::Caller;
use chassis::serve::deadline::Deadline;
use chrono::{DateTime, Utc};
use tonic::Request;
use uuid::Uuid;

use super::{AccountService, client};
use crate::error::Result;
use crate::mfa::Call;
use crate::model::audit::Kind;
use crate::model::session::Client;
use crate::model::user::User;
use crate::passwords::credentials::Attempt;
use crate::throttle::Guess;

/// Who calls, with a session that is alive.
pub(super) struct By {
    pub(super) user: User,
    pub(super) session_id: Uuid,
    pub(super) client: Client,
    pub(super) deadline: Deadline,
    pub(super) now: DateTime<Utc>,
}

impl AccountService {
    /// Refuses whoever has no live session.
    pub(super) async fn who<T>(&self, request: &Request<T>) -> Result<By> {
        let now = self.clock.now();
        let caller = Caller::of(request)?;
        let (user, session_id) = self.accounts.of_caller(&caller, now).await?;
        Ok(By {
            user,
            session_id,
            client: client(request, &self.proxies),
            deadline: Deadline::of(request),
            now,
        })
    }
}

impl By {
    /// The check of the current password that goes with the call; a wrong one is written
    /// down as `failure`.
    pub(super) fn attempt(&self, failure: Kind) -> Attempt<'_> {
        Attempt {
            guess: Guess::CurrentPassword,
            failure,
            ip: &self.client.ip,
            deadline: self.deadline,
            now: self.now,
        }
    }

    /// What is written down of a call about the second factor.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            session_id: Some(self.session_id),
            ip: &self.client.ip,
            now: self.now,
        }
    }
}
