//! Calls that a program makes for a user, with the user's own token: they are counted for
//! the program, and for the user's address, which only a program can set.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use tonic::metadata::MetadataMap;

use crate::access::caller::RequireCaller;
use crate::access::rate_limits::{Limits, RateLimited};

/// The program's own token, `Bearer …`.
pub(crate) const PROGRAM: &str = "x-program-authorization";
/// The user's address.
pub(crate) const CLIENT: &str = "x-client-address";

/// The programs that may set the address of a user.
#[derive(Clone)]
pub struct Forwarders {
    guard: RequireCaller,
    scope: &'static str,
    group: &'static str,
}

impl fmt::Debug for Forwarders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Forwarders");
        shown.field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Forwarders {
    /// Programs whose token passes `guard` and has `scope`. They are counted in the group
    /// of limits with this name.
    #[must_use]
    pub fn new(guard: RequireCaller, scope: &'static str, group: &'static str) -> Self {
        Self {
            guard,
            scope,
            group,
        }
    }

    /// The name of their limits.
    pub(crate) fn group(&self) -> &'static str {
        self.group
    }

    /// The address for which a call from `peer` is counted. A call with a program's token
    /// is counted for `peer` and for the program first.
    pub(crate) fn client(
        &self,
        limits: Option<&Arc<Limits>>,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        now: Instant,
    ) -> Result<Option<IpAddr>, RateLimited> {
        if !headers.contains_key(PROGRAM) {
            return Ok(peer);
        }
        // Counted before the signature is verified, which is expensive.
        if let Some(limits) = limits {
            limits.count_ip(peer, now)?;
        }
        let metadata = MetadataMap::from_headers(headers.clone());
        let program = self.guard.bearer_of(&metadata, PROGRAM);
        let Ok(program) = program else {
            return Ok(peer);
        };
        if program.session_id.is_some() || program.ensure(self.scope).is_err() {
            return Ok(peer);
        }
        if let Some(limits) = limits {
            limits.count_user(program.user_id, now)?;
        }
        let said = headers.get(CLIENT).and_then(|value| value.to_str().ok());
        Ok(said.and_then(|text| text.parse().ok()))
    }
}
