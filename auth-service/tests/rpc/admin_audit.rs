//! What the audit log records, and how it is read.

use std::collections::BTreeMap;

use proto::auth::v1::{AuditEvent, AuditEventKind, ListAuditEventsRequest};

use crate::admin::Admin;
use crate::app::{App, PASSWORD, START, fields, reason};

fn of_kind(kind: &str) -> ListAuditEventsRequest {
    ListAuditEventsRequest {
        kind: kind.into(),
        ..ListAuditEventsRequest::default()
    }
}

fn of_user(user_id: &str) -> ListAuditEventsRequest {
    ListAuditEventsRequest {
        user_id: user_id.into(),
        ..ListAuditEventsRequest::default()
    }
}

fn kinds(events: &[AuditEvent]) -> Vec<&str> {
    events.iter().map(|event| &*event.kind).collect()
}

#[tokio::test]
async fn every_act_is_written_down_with_who_did_it() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = app.sign_up("bob@example.org").await.unwrap().id;
    app.log_in("bob@example.org", PASSWORD).await.unwrap();
    app.advance(1);

    ada.set_roles(&bob, &["support"]).await.unwrap();
    ada.revoke_sessions(&bob).await.unwrap();
    ada.disable(&bob).await.unwrap();
    ada.enable(&bob).await.unwrap();
    let (program, secret) = ada.create("mailer", &["contacts.read"]).await.unwrap();
    ada.rotate_secret("mailer").await.unwrap();
    ada.delete("mailer").await.unwrap();

    let since = ListAuditEventsRequest {
        start_time: Some(prost_types::Timestamp {
            seconds: START + 1,
            nanos: 0,
        }),
        ..ListAuditEventsRequest::default()
    };
    let (events, _) = ada.audit(since).await.unwrap();
    let written: BTreeMap<_, _> = events
        .iter()
        .map(|event| (&*event.kind, (&*event.user_id, &*event.detail)))
        .collect();
    let expected = BTreeMap::from([
        ("user_roles_set", (&*bob, "[] -> [support]")),
        ("user_sessions_revoked", (&*bob, "")),
        ("user_disabled", (&*bob, "")),
        ("user_enabled", (&*bob, "")),
        ("service_account_created", (&*program, "mailer")),
        ("service_account_secret_rotated", (&*program, "mailer")),
        ("service_account_deleted", (&*program, "mailer")),
    ]);
    assert_eq!(written, expected);
    for event in &events {
        assert_eq!(event.actor_id, ada.id, "{}", event.kind);
        assert_eq!(event.ip, "127.0.0.1", "{}", event.kind);
        assert!(!format!("{event:?}").contains(&secret[5..]));
    }
    // Users themselves did their actions; the operator did the first one.
    let (of_bob, _) = ada.audit(of_kind("sign_up")).await.unwrap();
    assert!(of_bob.iter().all(|event| event.actor_id.is_empty()));
    let (of_ada, _) = ada.audit(of_user(&ada.id)).await.unwrap();
    let made = of_ada
        .iter()
        .find(|event| event.kind == "user_roles_set")
        .unwrap();
    assert_eq!(made.actor_id, "00000000-0000-0000-0000-000000000000");
    assert_eq!(made.detail, "[] -> [admin]");
    assert_eq!(made.details["new_roles"], "admin");
    assert_eq!(made.event_kind(), AuditEventKind::UserRolesSet);
}

#[tokio::test]
async fn events_are_found_by_user_kind_and_time() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = app.sign_up("bob@example.org").await.unwrap().id;
    for _ in 0..2 {
        app.advance(10);
        app.log_in("bob@example.org", PASSWORD).await.unwrap();
        app.log_in("bob@example.org", "not-the-password")
            .await
            .unwrap_err();
    }
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let between = |start, end, request| ListAuditEventsRequest {
        start_time: time(START + start),
        end_time: time(START + end),
        ..request
    };
    let both = ListAuditEventsRequest {
        kind: "log_in".into(),
        ..of_user(&bob)
    };

    for (request, expected) in [
        (
            of_user(&bob),
            "log_in_failed log_in log_in_failed log_in sign_up",
        ),
        (of_kind("sign_up"), "sign_up sign_up"),
        (both.clone(), "log_in log_in"),
        (between(20, 30, both), "log_in"),
        (between(10, 20, of_user(&bob)), "log_in_failed log_in"),
        (between(10, 20, of_kind("log_in")), "log_in"),
        (
            between(1, 20, ListAuditEventsRequest::default()),
            "log_in_failed log_in",
        ),
        (between(20, 10, of_user(&bob)), ""),
        (of_kind("nonsense"), ""),
        (of_user("0198c0de-0000-7000-8000-000000000000"), ""),
    ] {
        let (events, token) = ada.audit(request.clone()).await.unwrap();
        assert_eq!(kinds(&events).join(" "), expected, "{request:?}");
        assert_eq!(token, "");
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_miss_while_more_happens() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = app.sign_up("bob@example.org").await.unwrap().id;
    // Several at the same time.
    for role in ["a", "b", "c", "d", "e"] {
        ada.set_roles(&bob, &[role]).await.unwrap();
    }

    for request in [
        of_user(&bob),
        of_kind("user_roles_set"),
        ListAuditEventsRequest::default(),
    ] {
        let (whole, _) = ada.audit(request.clone()).await.unwrap();
        let (mut paged, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListAuditEventsRequest {
                page_size: 2,
                page_token,
                ..request.clone()
            };
            let (events, next) = ada.audit(request).await.unwrap();
            paged.extend(events);
            if next.is_empty() {
                break;
            }
            page_token = next;
            app.advance(1);
            ada.set_roles(&bob, &["x"]).await.unwrap();
            ada.set_roles(&bob, &["y"]).await.unwrap();
        }
        assert_eq!(paged, whole);
    }
}

#[tokio::test]
async fn events_are_found_by_the_enum_of_their_kind() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let of = |kind: AuditEventKind| ListAuditEventsRequest {
        event_kind: kind.into(),
        ..ListAuditEventsRequest::default()
    };

    let (found, _) = ada.audit(of(AuditEventKind::SignUp)).await.unwrap();
    assert_eq!(kinds(&found), ["sign_up"]);

    let both = ListAuditEventsRequest {
        kind: "sign_up".into(),
        ..of(AuditEventKind::SignUp)
    };
    let unknown = ListAuditEventsRequest {
        event_kind: 9999,
        ..ListAuditEventsRequest::default()
    };
    for request in [both, unknown] {
        let status = ada.audit(request).await.unwrap_err();
        assert_eq!(reason(&status), "KIND_INVALID");
        assert_eq!(fields(&status), ["event_kind"]);
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let default = ListAuditEventsRequest::default;

    for (request, expected, field) in [
        (of_user("nobody"), "ID_INVALID", "user_id"),
        (of_kind("Log in"), "KIND_INVALID", "kind"),
        (of_kind("a\0"), "KIND_INVALID", "kind"),
        (of_kind(&"a".repeat(65)), "KIND_INVALID", "kind"),
        (
            ListAuditEventsRequest {
                start_time: at(-1, 0),
                ..default()
            },
            "TIME_INVALID",
            "start_time",
        ),
        (
            ListAuditEventsRequest {
                end_time: at(i64::MAX, 0),
                ..default()
            },
            "TIME_INVALID",
            "end_time",
        ),
        (
            ListAuditEventsRequest {
                end_time: at(0, -1),
                ..default()
            },
            "TIME_INVALID",
            "end_time",
        ),
    ] {
        let status = ada.audit(request).await.unwrap_err();
        assert_eq!(reason(&status), expected);
        assert_eq!(fields(&status), [field]);
    }
    let (far, _) = ada
        .audit(ListAuditEventsRequest {
            end_time: at(253_402_300_799, 999_999_999),
            ..default()
        })
        .await
        .unwrap();
    assert!(!far.is_empty());
}
