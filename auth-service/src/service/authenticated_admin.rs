//! The administrator who calls `AdminService`, with the data of the call.

use std::sync::Arc;

use chassis::access::caller::Caller;
use chrono::{DateTime, Utc};
use tonic::Request;

use super::{AdminService, client, count_checked};
use crate::administration::Call;
use crate::error::Result;
use crate::model::session::Client;

/// An administrator who requests a change.
pub(super) struct AuthenticatedAdmin {
    caller: Arc<Caller>,
    client: Client,
    now: DateTime<Utc>,
}

impl AuthenticatedAdmin {
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            caller: &self.caller,
            ip: &self.client.ip,
            now: self.now,
        }
    }
}

impl AdminService {
    /// Returns the administrator who reads. Other callers do not learn what is wrong with
    /// a request.
    pub(super) async fn reader<T>(&self, request: &Request<T>) -> Result<Arc<Caller>> {
        let caller = Caller::of(request)?;
        let now = self.clock.now();
        let allowed = self.administration.ensure_admin(&caller, now).await;
        count_checked(&caller, request, allowed)?;
        Ok(caller)
    }

    /// Returns the administrator who requests a change; the change checks it again in its
    /// transaction.
    pub(super) async fn admin<T>(&self, request: &Request<T>) -> Result<AuthenticatedAdmin> {
        Ok(AuthenticatedAdmin {
            caller: self.reader(request).await?,
            client: client(request, &self.proxies),
            now: self.clock.now(),
        })
    }
}
