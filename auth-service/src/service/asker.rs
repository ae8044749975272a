//! Who asks for administration, and how.

use std::sync::Arc;

use chassis::access::caller::Caller;
use chrono::{DateTime, Utc};
use tonic::Request;

use super::{AdminService, client};
use crate::administration::Call;
use crate::error::Result;
use crate::model::session::Client;

/// Who asks for an act.
pub(super) struct Asker {
    caller: Arc<Caller>,
    client: Client,
    now: DateTime<Utc>,
}

impl Asker {
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            caller: &self.caller,
            ip: &self.client.ip,
            now: self.now,
        }
    }
}

impl AdminService {
    /// The administrator who reads. Others are not told what is wrong with a request.
    pub(super) async fn reader<T>(&self, request: &Request<T>) -> Result<Arc<Caller>> {
        let caller = Caller::of(request)?;
        let now = self.clock.now();
        self.administration.ensure_admin(&caller, now).await?;
        Ok(caller)
    }

    /// The administrator who acts; the act looks at it again, in its transaction.
    pub(super) async fn asker<T>(&self, request: &Request<T>) -> Result<Asker> {
        Ok(Asker {
            caller: self.reader(request).await?,
            client: client(request, &self.proxies),
            now: self.clock.now(),
        })
    }
}
