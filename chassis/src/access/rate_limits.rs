//! How many calls a client and a user may make, by groups of RPCs. Each replica
//! counts for itself, in memory.

use std::hash::Hash;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tonic::{Code, Request};

use crate::access::address_rate::AddressBuckets;
use crate::access::rate::{Buckets, Rate};
use crate::status::Refusal;

/// RPCs that share their limits.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name in the settings.
    pub name: &'static str,
    /// `Service/Method`, or `Service/*` for methods that no group names.
    pub rpcs: &'static [&'static str],
    /// How often one address may call: an IPv4 address, or an IPv6 /64. An IPv6 /56 may
    /// call four times as often, and a /48 sixteen times.
    pub ip: Option<Rate>,
    /// How often one user or program may call.
    pub user: Option<Rate>,
    /// Where the limits are checked.
    pub checked_at: CheckedAt,
}

/// When a call's limits are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedAt {
    /// Before its handler: the address, then, after the check of its access token, the
    /// user.
    Layer,
    /// By its handler, after a check of its own.
    Handler,
}

/// Whose calls a limit counts: those of each address, or of each user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// An address.
    Ip,
    /// A user or a program.
    User,
}

impl Per {
    /// The name in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::User => "user",
        }
    }
}

/// The operator's changes of the defaults: `off`, or parts such as `sign_up:ip=60/m` and
/// `log_in:user=off`, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitChanges {
    all_off: bool,
    changes: Vec<LimitChange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct LimitChange {
    group: String,
    by: Per,
    rate: Option<Rate>,
}

impl FromStr for LimitChanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        let pieces = text.split(',').map(str::trim);
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            if piece == "off" {
                all.all_off = true;
            } else {
                all.changes.push(piece.parse()?);
            }
        }
        Ok(all)
    }
}

impl FromStr for LimitChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is not in the form sign_up:ip=60/m");
        let (whose, rate) = text.split_once('=').ok_or_else(problem)?;
        let (group, by) = whose.split_once(':').ok_or_else(problem)?;
        let by = match by {
            "ip" => Per::Ip,
            "user" => Per::User,
            _ => return Err(problem()),
        };
        let rate = match rate {
            "off" => None,
            rate => Some(rate.parse().map_err(|why| format!("{text:?}: {why}"))?),
        };
        Ok(Self {
            group: group.to_owned(),
            by,
            rate,
        })
    }
}

/// The operator names an unknown group.
#[derive(Debug, thiserror::Error)]
#[error("RATE_LIMITS: {group:?} is not a group; the groups are {known}")]
pub struct NoSuchGroup {
    group: String,
    known: String,
}

/// The limits of a service.
#[derive(Clone, Debug, Default)]
pub struct RateLimits {
    groups: Vec<(&'static [&'static str], Arc<Limits>)>,
}

impl RateLimits {
    /// The groups of a service, with the operator's changes.
    pub fn new(groups: &[Group], changes: &LimitChanges) -> Result<Self, NoSuchGroup> {
        let known = |group: &str| groups.iter().any(|known| known.name == group);
        if let Some(change) = changes.changes.iter().find(|change| !known(&change.group)) {
            let known: Vec<_> = groups.iter().map(|group| group.name).collect();
            return Err(NoSuchGroup {
                group: change.group.clone(),
                known: known.join(", "),
            });
        }
        let limits = |group: &Group| (group.rpcs, Arc::new(Limits::new(*group, changes)));
        Ok(Self {
            groups: groups.iter().map(limits).collect(),
        })
    }

    /// The limits of the RPC at `/package.Service/Method`, if it has any.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<Arc<Limits>> {
        let (package, method) = path.rsplit_once('/')?;
        let service = package.rsplit(['.', '/']).next()?;
        let named = |name: &str| self.groups.iter().find(|(rpcs, _)| rpcs.contains(&name));
        let found = named(&format!("{service}/{method}"));
        let found = found.or_else(|| named(&format!("{service}/*")));
        found
            .map(|(_, limits)| Arc::clone(limits))
            .filter(|limits| limits.ip.is_some() || limits.user.is_some())
    }

    /// The limits of the group with this name.
    pub(crate) fn group(&self, name: &str) -> Option<Arc<Limits>> {
        let mut groups = self.groups.iter().map(|(_, limits)| limits);
        groups.find(|limits| limits.name == name).cloned()
    }

    /// Refused calls so far, by group and by whose limit it is.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, Per, u64)> + '_ {
        let groups = self.groups.iter().map(|(_, limits)| limits);
        groups.flat_map(|limits| {
            let ip = limits.ip.as_ref().map(|limit| (Per::Ip, &limit.refused));
            let user = limits
                .user
                .as_ref()
                .map(|limit| (Per::User, &limit.refused));
            let refused = ip.into_iter().chain(user);
            refused.map(|(by, refused)| (limits.name, by, refused.load(Ordering::Relaxed)))
        })
    }
}

/// The limits of a group, shared by all threads.
#[derive(Debug)]
pub struct Limits {
    name: &'static str,
    checked_at: CheckedAt,
    ip: Option<Limit<AddressBuckets>>,
    user: Option<Limit<Buckets>>,
}

#[derive(Debug)]
struct Limit<B> {
    buckets: B,
    refused: AtomicU64,
}

impl<B> Limit<B> {
    fn new(rate: Rate, buckets: fn(Rate) -> B) -> Self {
        Self {
            buckets: buckets(rate),
            refused: AtomicU64::new(0),
        }
    }
}

impl Limits {
    fn new(group: Group, changes: &LimitChanges) -> Self {
        let rate = |by, default: Option<Rate>| {
            let default = default.filter(|_| !changes.all_off);
            // The last entry wins.
            let mut changes = changes.changes.iter().rev();
            let change = changes.find(|change| change.group == group.name && change.by == by);
            change.map_or(default, |change| change.rate)
        };
        let (ip, user) = (rate(Per::Ip, group.ip), rate(Per::User, group.user));
        Self {
            name: group.name,
            checked_at: group.checked_at,
            ip: ip.map(|rate| Limit::new(rate, AddressBuckets::new)),
            user: user.map(|rate| Limit::new(rate, Buckets::new)),
        }
    }

    pub(crate) fn count_ip(&self, ip: Option<IpAddr>, now: Instant) -> Result<(), RateLimited> {
        match (&self.ip, ip) {
            (Some(limit), Some(ip)) => {
                let taken = limit.buckets.take(ip, now);
                taken.map_err(|wait| self.limited(Per::Ip, &limit.refused, wait))
            }
            // There is no client address to count for.
            _ => Ok(()),
        }
    }

    pub(crate) fn count_user(&self, user: impl Hash, now: Instant) -> Result<(), RateLimited> {
        let Some(limit) = &self.user else {
            return Ok(());
        };
        let taken = limit.buckets.take(user, now);
        taken.map_err(|wait| self.limited(Per::User, &limit.refused, wait))
    }

    fn limited(&self, by: Per, refused: &AtomicU64, retry_after: Duration) -> RateLimited {
        refused.fetch_add(1, Ordering::Relaxed);
        RateLimited {
            group: self.name,
            by,
            retry_after,
        }
    }
}

/// A call beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls from this {}; try again later", by.name())]
pub struct RateLimited {
    group: &'static str,
    by: Per,
    retry_after: Duration,
}

impl From<RateLimited> for Refusal {
    fn from(limited: RateLimited) -> Self {
        Self::new(Code::ResourceExhausted, "RATE_LIMITED", limited.to_string())
            .metadata("group", limited.group)
            .metadata("by", limited.by.name())
            .retry_after(limited.retry_after)
    }
}

/// The limits that are still to be checked for a call; an extension of its request.
#[derive(Clone, Debug)]
pub struct PendingLimits {
    limits: Arc<Limits>,
    ip: Option<IpAddr>,
    at: Instant,
}

impl PendingLimits {
    /// Checks the limits that apply before the handler; returns the others.
    pub(crate) fn enter(
        limits: &Arc<Limits>,
        ip: Option<IpAddr>,
        at: Instant,
    ) -> Result<Option<Self>, RateLimited> {
        if limits.checked_at == CheckedAt::Layer {
            limits.count_ip(ip, at)?;
        }
        let more = limits.user.is_some() || limits.checked_at == CheckedAt::Handler;
        Ok(more.then(|| Self {
            limits: Arc::clone(limits),
            ip,
            at,
        }))
    }

    /// Counts a call for this user, or for what identifies the caller of an RPC without a
    /// token.
    pub fn count_user(&self, user: impl Hash) -> Result<(), RateLimited> {
        self.limits.count_user(user, self.at)
    }

    /// The limits that are still to be checked for this call, if any.
    #[must_use]
    pub fn of<T>(request: &Request<T>) -> Option<Self> {
        request.extensions().get().cloned()
    }

    /// Counts the call for its address and for this user or session; a handler of
    /// [`CheckedAt::Handler`] must call it.
    pub fn count_call(&self, user: impl Hash) -> Result<(), RateLimited> {
        self.limits.count_ip(self.ip, self.at)?;
        self.count_user(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: [Group; 2] = [
        Group {
            name: "mail",
            rpcs: &["Post/Send"],
            ip: Some(Rate::per_hour(2)),
            user: None,
            checked_at: CheckedAt::Layer,
        },
        Group {
            name: "rest",
            rpcs: &["Post/*"],
            ip: None,
            user: Some(Rate::per_second(9)),
            checked_at: CheckedAt::Layer,
        },
    ];

    /// Group, rate by address, rate by user.
    fn rates(changes: &str) -> Vec<String> {
        let limits = RateLimits::new(&GROUPS, &changes.parse().unwrap()).unwrap();
        let off = || "off".to_owned();
        let group = |limits: &Limits| {
            let ip = limits.ip.as_ref().map(|limit| &limit.buckets);
            let user = limits.user.as_ref().map(|limit| &limit.buckets);
            let ip = ip.map_or_else(off, |buckets| format!("{buckets:?}"));
            ip + " " + &user.map_or_else(off, |buckets| format!("{buckets:?}"))
        };
        let groups = limits.groups.iter();
        groups.map(|(_, limits)| group(limits)).collect()
    }

    #[test]
    fn an_rpc_is_in_the_group_that_names_it_or_in_that_of_its_service() {
        let limits = RateLimits::new(&GROUPS, &LimitChanges::default()).unwrap();
        let name = |path| limits.of(path).map(|limits| limits.name);

        assert_eq!(name("/a.b.v1.Post/Send"), Some("mail"));
        assert_eq!(name("/a.b.v1.Post/Take"), Some("rest"));
        assert_eq!(name("/a.b.v1.Other/Send"), None);
        assert_eq!(name("/metrics"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn the_operator_changes_single_limits() {
        assert_eq!(rates(""), ["AddressBuckets(2/h) off", "off Buckets(9/s)"]);
        let changed = rates("mail:user=7/m, rest:user=off");
        assert_eq!(changed, ["AddressBuckets(2/h) Buckets(7/m)", "off off"]);
        assert_eq!(
            rates("off,mail:ip=3/s"),
            ["AddressBuckets(3/s) off", "off off"]
        );
        assert_eq!(rates("mail:ip=3/s,mail:ip=off")[0], "off off");
    }

    #[test]
    fn text_that_is_not_a_limit_is_refused() {
        for text in ["x", "mail=3/s", "mail:ip", "mail:you=3/s", "mail:ip=3"] {
            let problem = text.parse::<LimitChanges>().unwrap_err();
            assert!(problem.contains(text), "{problem}");
        }
        let changes = "male:ip=3/s".parse().unwrap();
        let error = RateLimits::new(&GROUPS, &changes).unwrap_err().to_string();
        assert!(
            error.contains("male") && error.contains("mail, rest"),
            "{error}"
        );
    }

    #[test]
    fn a_group_without_limits_costs_nothing() {
        let limits = RateLimits::new(&GROUPS, &"off".parse().unwrap()).unwrap();
        assert!(limits.of("/a.b.v1.Post/Send").is_none());
    }
}
