//! What administrators do with users.

use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{ListAuditEventsRequest, ListServiceAccountsRequest, ListUsersRequest};
use tonic::Code;

use crate::admin::{Admin, claims};
use crate::app::{App, PASSWORD, fields, reason, refusal};
use crate::programs::{self, asks, introspect, issue};
use crate::revocations::{next, session, watch};

fn page(page_size: i32, page_token: &str, email_prefix: &str) -> ListUsersRequest {
    ListUsersRequest {
        page_size,
        page_token: page_token.into(),
        email_prefix: email_prefix.into(),
    }
}

/// All e-mails, page by page; `between` runs after each page.
async fn all(by: &Admin, prefix: &str, between: impl AsyncFn(usize)) -> Vec<String> {
    let (mut emails, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let answer = by.list(page(2, &token, prefix)).await.unwrap();
        assert!(answer.users.len() <= 2);
        emails.extend(answer.users.into_iter().map(|user| user.email));
        token = answer.next_page_token;
        if token.is_empty() {
            return emails;
        }
        between(pages).await;
        pages += 1;
    }
}

#[tokio::test]
async fn users_are_listed_by_e_mail_while_others_come() {
    let app = App::start().await;
    let by = Admin::new(&app, "m@example.org").await;
    for name in ["b", "d", "f", "h"] {
        app.sign_up(&format!("{name}@example.org")).await.unwrap();
    }

    // After the first page, one user is added before its position, and one after it.
    let emails = all(&by, "", async |pages| {
        if pages == 0 {
            app.sign_up("a@example.org").await.unwrap();
            app.sign_up("e@example.org").await.unwrap();
        }
    });

    let emails = emails.await.concat().replace("@example.org", " ");
    assert_eq!(emails, "b d e f h m ");
    let whole = by.list(page(0, "", "")).await.unwrap();
    assert_eq!((whole.users.len(), &*whole.next_page_token), (7, ""));
}

#[tokio::test]
async fn users_are_found_by_the_beginning_of_their_e_mail() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    for email in [
        "ada@example.org",
        "adam@example.org",
        "a%@example.org",
        "ada@b\u{fc}cher.example",
    ] {
        app.sign_up(email).await.unwrap();
    }

    for (prefix, expected) in [
        (
            "ad",
            "ada@example.org ada@xn--bcher-kva.example adam@example.org",
        ),
        (" ADA@", "ada@example.org ada@xn--bcher-kva.example"),
        ("ada@B\u{fc}cher.example", "ada@xn--bcher-kva.example"),
        ("a%", "a%@example.org"),
        ("a_a", ""),
        ("z", ""),
        ("r", "root@example.org"),
    ] {
        let emails = all(&by, prefix, async |_| ()).await.join(" ");
        assert_eq!(emails, expected, "{prefix}");
    }
    for bad in ["a\0", &"a".repeat(255)] {
        let status = by.list(page(0, "", bad)).await.unwrap_err();
        assert_eq!(reason(&status), "EMAIL_PREFIX_INVALID");
        assert_eq!(fields(&status), ["email_prefix"]);
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_list_and_caller() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;
    let token = ada.list(page(1, "", "")).await.unwrap().next_page_token;
    assert!(!token.is_empty());

    let refused = [
        refusal(bob.list(page(1, &token, "")).await),
        refusal(ada.list(page(1, &token, "b")).await),
        refusal(ada.list(page(1, &format!("{token}A"), "")).await),
        refusal(
            ada.audit(ListAuditEventsRequest {
                page_token: token.clone(),
                ..ListAuditEventsRequest::default()
            })
            .await,
        ),
        refusal(
            ada.client
                .clone()
                .list_service_accounts(ada.asks(ListServiceAccountsRequest {
                    page_size: 1,
                    page_token: token.clone(),
                }))
                .await,
        ),
    ];

    assert!(
        refused.iter().all(|reason| reason == "PAGE_TOKEN_INVALID"),
        "{refused:?}"
    );
    let negative = ada.list(page(-1, "", "")).await;
    assert_eq!(refusal(negative), "PAGE_SIZE_INVALID");
    // Another page size returns the same list.
    assert_eq!(ada.list(page(5, &token, "")).await.unwrap().users.len(), 1);
}

#[tokio::test]
async fn a_user_who_is_not_there_is_named_as_such() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;

    for (id, expected) in [
        ("", "ID_INVALID"),
        ("nobody", "ID_INVALID"),
        ("{0198c0de-0000-7000-8000-000000000000}", "ID_INVALID"),
        (
            "urn:uuid:0198c0de-0000-7000-8000-000000000000",
            "ID_INVALID",
        ),
        ("0198c0de000070008000000000000000", "ID_INVALID"),
        ("00000000-0000-0000-0000-000000000000", "USER_NOT_FOUND"),
        ("0198c0de-0000-7000-8000-000000000000", "USER_NOT_FOUND"),
    ] {
        let refused = [
            refusal(by.get(id).await),
            refusal(by.disable(id).await),
            refusal(by.enable(id).await),
            refusal(by.revoke_sessions(id).await),
            refusal(by.set_roles(id, &["admin"]).await),
        ];
        assert!(
            refused.iter().all(|reason| reason == expected),
            "{id} {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_everywhere_and_for_good() {
    let app = programs::app().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let bob = app.user("bob@example.org").await;
    let id = app.get_me(&bob.access_token).await.unwrap().id;
    let mut feed = watch(&app, "").await;

    let user = by.disable(&id).await.unwrap();

    assert!(user.disabled);
    let told = next(&mut feed).await.0;
    assert!(told.contains(&Revoked::UserId(id.clone())), "{told:?}");
    assert!(told.contains(&session(&bob.session_id)), "{told:?}");
    assert_eq!(
        refusal(app.get_me(&bob.access_token).await),
        "TOKEN_REVOKED"
    );
    let refreshed = app.refresh(&bob.refresh_token).await.unwrap_err();
    assert_eq!(refreshed.code(), Code::PermissionDenied);
    assert_eq!(reason(&refreshed), "ACCOUNT_DISABLED");
    let log_in = app.log_in("bob@example.org", PASSWORD).await;
    assert_eq!(refusal(log_in), "ACCOUNT_DISABLED");

    // A repeat succeeds, and records nothing.
    assert_eq!(by.disable(&id).await.unwrap(), user);
    let disabled = app
        .audit()
        .await
        .into_iter()
        .filter(|kind| kind == "user_disabled");
    assert_eq!(disabled.count(), 1);

    assert!(!by.enable(&id).await.unwrap().disabled);
    assert!(!by.enable(&id).await.unwrap().disabled);
    app.log_in("bob@example.org", PASSWORD).await.unwrap();
    assert_eq!(
        refusal(app.refresh(&bob.refresh_token).await),
        "SESSION_REVOKED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_survives_that_began_while_its_user_was_disabled() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let id = app.sign_up("bob@example.org").await.unwrap().id;
    let tokens = app.log_in("bob@example.org", PASSWORD).await.unwrap();

    let (disabled, log_in, other, refreshed) = tokio::join!(
        by.disable(&id),
        app.log_in("bob@example.org", PASSWORD),
        app.log_in("bob@example.org", PASSWORD),
        app.refresh(&tokens.refresh_token),
    );

    disabled.unwrap();
    let refreshed = refreshed.map(|answer| answer.tokens.unwrap());
    for tokens in [log_in, other, refreshed].into_iter().flatten() {
        let again = app.refresh(&tokens.refresh_token).await;
        assert_eq!(refusal(again), "ACCOUNT_DISABLED");
        assert_eq!(
            refusal(app.get_me(&tokens.access_token).await),
            "TOKEN_REVOKED"
        );
    }
}

#[tokio::test]
async fn a_users_sessions_end_and_it_can_log_in_again() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let one = app.user("bob@example.org").await;
    let two = app.log_in("bob@example.org", PASSWORD).await.unwrap();
    let carl = app.user("carl@example.org").await;
    let id = app.get_me(&one.access_token).await.unwrap().id;

    assert_eq!(by.revoke_sessions(&id).await.unwrap(), 2);

    for tokens in [&one, &two] {
        assert_eq!(
            refusal(app.get_me(&tokens.access_token).await),
            "TOKEN_REVOKED"
        );
        assert_eq!(
            refusal(app.refresh(&tokens.refresh_token).await),
            "SESSION_REVOKED"
        );
    }
    app.get_me(&carl.access_token).await.unwrap();
    app.log_in("bob@example.org", PASSWORD).await.unwrap();
    assert_eq!(by.revoke_sessions(&id).await.unwrap(), 1);
    assert_eq!(by.revoke_sessions(&id).await.unwrap(), 0);
}

#[tokio::test]
async fn roles_come_with_the_next_token_and_go_with_all_that_are_out() {
    let app = programs::app().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let (_, secret) = by.create("gateway", &["auth.introspect"]).await.unwrap();
    let gateway = issue(&app, asks("gateway", &secret, &[]))
        .await
        .unwrap()
        .access_token;
    let bob = app.user("bob@example.org").await;
    let id = app.get_me(&bob.access_token).await.unwrap().id;
    let active = async |token: &str| introspect(&app, &gateway, token).await.unwrap().active;

    let user = by
        .set_roles(&id, &["support", "billing", "support"])
        .await
        .unwrap();
    assert_eq!(user.roles, ["billing", "support"]);
    assert!(active(&bob.access_token).await);
    app.advance(1);
    let bob = app
        .refresh(&bob.refresh_token)
        .await
        .unwrap()
        .tokens
        .unwrap();
    let roles = &claims(&bob.access_token)["roles"];
    assert_eq!(*roles, serde_json::json!(["billing", "support"]));

    // An added role does not revoke tokens that lack it.
    by.set_roles(&id, &["billing", "night", "support"])
        .await
        .unwrap();
    assert!(active(&bob.access_token).await);

    let mut feed = watch(&app, "").await;
    by.set_roles(&id, &["billing"]).await.unwrap();
    assert_eq!(next(&mut feed).await.0, [Revoked::UserId(id)]);
    assert!(!active(&bob.access_token).await);
    app.advance(1);
    let bob = app
        .refresh(&bob.refresh_token)
        .await
        .unwrap()
        .tokens
        .unwrap();
    assert_eq!(
        claims(&bob.access_token)["roles"],
        serde_json::json!(["billing"])
    );
    assert!(active(&bob.access_token).await);
}

#[tokio::test]
async fn nobody_administers_who_has_not_confirmed_its_e_mail() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let bob = app.sign_up("bob@example.org").await.unwrap();

    let refused = by.set_roles(&bob.id, &["admin", "support"]).await;

    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "EMAIL_NOT_VERIFIED");
    assert_eq!(by.get(&bob.id).await.unwrap(), bob);
    by.set_roles(&bob.id, &["support"]).await.unwrap();
    app.confirm_email("bob@example.org").await;
    by.set_roles(&bob.id, &["admin"]).await.unwrap();
    assert_eq!(by.get(&bob.id).await.unwrap().roles, ["admin"]);
}

#[tokio::test]
async fn bad_roles_and_stale_etags_change_nothing() {
    let app = App::start().await;
    let by = Admin::new(&app, "ada@example.org").await;
    let user = app.sign_up("bob@example.org").await.unwrap();

    for bad in ["", "Admin", "admin ", "a,b", &"a".repeat(33)] {
        let status = by.set_roles(&user.id, &["support", bad]).await.unwrap_err();
        assert_eq!(reason(&status), "ROLE_INVALID", "{bad:?}");
        assert_eq!(fields(&status), ["roles"]);
    }
    let many: Vec<_> = ('a'..='q').map(String::from).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(refusal(by.set_roles(&user.id, &many).await), "ROLE_INVALID");
    let stale = by.set_roles_from(&user.id, &["support"], "\"7\"").await;
    assert_eq!(refusal(stale), "ETAG_MISMATCH");
    assert_eq!(by.get(&user.id).await.unwrap(), user);

    let changed = by
        .set_roles_from(&user.id, &["support"], &user.etag)
        .await
        .unwrap();
    assert_ne!(changed.etag, user.etag);
    // Setting the same roles is not a change.
    assert_eq!(by.set_roles(&user.id, &["support"]).await.unwrap(), changed);
}
