//! Audit events on the wire.

use std::collections::BTreeMap;

use proto::auth::v1::{self as pb, AuditEventKind};

use super::timestamp;
use crate::error::{Error, Result};
use crate::model::audit::Entry;

/// The prefix of the enum's names; the rest is a kind's name in upper case.
const PREFIX: &str = "AUDIT_EVENT_KIND_";

impl From<Entry> for pb::AuditEvent {
    fn from(entry: Entry) -> Self {
        let detail = entry.detail.unwrap_or_default();
        Self {
            id: entry.id.to_string(),
            user_id: entry.user_id.to_string(),
            event_kind: event_kind(&entry.kind).into(),
            details: details(&entry.kind, &detail),
            kind: entry.kind,
            event_time: Some(timestamp(entry.event_time)),
            session_id: entry
                .session_id
                .map_or_else(String::new, |id| id.to_string()),
            ip: entry.ip,
            actor_id: entry.actor_id.map_or_else(String::new, |id| id.to_string()),
            detail,
        }
    }
}

fn event_kind(name: &str) -> AuditEventKind {
    AuditEventKind::from_str_name(&format!("{PREFIX}{}", name.to_uppercase())).unwrap_or_default()
}

/// The name of the requested kind, from either field; empty for all.
pub(super) fn kind_in(name: String, kind: i32) -> Result<String> {
    let invalid = |problem| Err(Error::invalid("KIND_INVALID", "event_kind", problem));
    match AuditEventKind::try_from(kind) {
        Ok(AuditEventKind::Unspecified) => Ok(name),
        Ok(_) if !name.is_empty() => invalid("must not be set together with kind"),
        Ok(kind) => Ok(kind.as_str_name()[PREFIX.len()..].to_lowercase()),
        Err(_) => invalid("is not a known kind"),
    }
}

/// An event's details by name, from its text.
fn details(kind: &str, detail: &str) -> BTreeMap<String, String> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if detail.is_empty() {
        return BTreeMap::new();
    }
    if kind.starts_with("signing_key_") {
        return [pair("kid", detail)].into();
    }
    if kind.starts_with("service_account_") {
        return [pair("client_id", detail)].into();
    }
    let roles = detail
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|rest| rest.split_once("] -> ["));
    match roles {
        Some((old, new)) => [pair("old_roles", old), pair("new_roles", new)].into(),
        None => [pair("text", detail)].into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_have_names() {
        let roles = details("user_roles_set", "[] -> [admin editor]");
        assert_eq!(roles["old_roles"], "");
        assert_eq!(roles["new_roles"], "admin editor");
        assert_eq!(details("signing_key_staged", "k1")["kid"], "k1");
        let program = details("service_account_created", "billing");
        assert_eq!(program["client_id"], "billing");
        assert!(details("log_in", "").is_empty());
    }
}
