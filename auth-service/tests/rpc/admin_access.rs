//! Who may call `AdminService`: each call queries the database, whatever a token claims.

use auth_service::model::signing_key::{Algorithm, SealedKey};
use auth_service::signing_keys::signer::Signer;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::access::token::Claims;
use proto::auth::v1::{
    ListAuditEventsRequest, ListServiceAccountsRequest, ListSigningKeysRequest, ListUsersRequest,
    RevokeSigningKeyRequest, RotateSigningKeyRequest, UpdateMeRequest, User,
};
use tonic::{Code, Request, Status};

use crate::admin::{Admin, claims, make_admin};
use crate::app::{App, PASSWORD, bearer, reason, refusal};
use crate::programs::{self, asks, issue, token};

/// The outcome of each RPC, on somebody else's account.
async fn every_rpc(by: &Admin, victim: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let mut client = by.client.clone();
    let users = by.asks(ListUsersRequest::default());
    let programs = by.asks(ListServiceAccountsRequest::default());
    let audit = by.asks(ListAuditEventsRequest::default());
    let revoke = by.asks(RevokeSigningKeyRequest { kid: "k".into() });
    vec![
        ("ListUsers", client.list_users(users).await.map(drop)),
        ("GetUser", by.get(victim).await.map(drop)),
        ("DisableUser", by.disable(victim).await.map(drop)),
        ("EnableUser", by.enable(victim).await.map(drop)),
        ("ResetUserMfa", by.reset_mfa(victim).await.map(drop)),
        (
            "RevokeUserSessions",
            by.revoke_sessions(victim).await.map(drop),
        ),
        (
            "SetUserRoles",
            by.set_roles(victim, &["admin"]).await.map(drop),
        ),
        (
            "CreateServiceAccount",
            by.create("backdoor", &["auth.admin"]).await.map(drop),
        ),
        (
            "ListServiceAccounts",
            client.list_service_accounts(programs).await.map(drop),
        ),
        (
            "RotateServiceAccountSecret",
            by.rotate_secret("mailer").await.map(drop),
        ),
        ("DeleteServiceAccount", by.delete("mailer").await),
        (
            "RotateSigningKey",
            client
                .rotate_signing_key(by.asks(RotateSigningKeyRequest {}))
                .await
                .map(drop),
        ),
        (
            "RevokeSigningKey",
            client.revoke_signing_key(revoke).await.map(drop),
        ),
        (
            "ListSigningKeys",
            client
                .list_signing_keys(by.asks(ListSigningKeysRequest::default()))
                .await
                .map(drop),
        ),
        (
            "ListAuditEvents",
            client.list_audit_events(audit).await.map(drop),
        ),
    ]
}

async fn all_refuse(by: &Admin, victim: &str, expected: (Code, &str)) {
    for (rpc, outcome) in every_rpc(by, victim).await {
        let status = outcome.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), expected, "{rpc}");
    }
}

const NOT_ALLOWED: (Code, &str) = (Code::PermissionDenied, "INSUFFICIENT_SCOPE");
const REVOKED: (Code, &str) = (Code::Unauthenticated, "TOKEN_REVOKED");

#[tokio::test]
async fn users_and_programs_without_the_right_are_refused_everything() {
    let app = programs::app().await;
    let victim = app.sign_up("bob@example.org").await.unwrap();
    let mallory = app.user("mallory@example.org").await;
    let user = Admin::with(&app, mallory, String::new());
    let program = Admin::program(&app, token(&app).await);
    let before = app.audit().await;

    all_refuse(&user, &victim.id, NOT_ALLOWED).await;
    all_refuse(&program, &victim.id, NOT_ALLOWED).await;
    let stranger = Request::new(ListUsersRequest::default());
    let answer = user.client.clone().list_users(stranger).await;
    assert_eq!(refusal(answer), "TOKEN_MISSING");

    assert_eq!(app.audit().await, before);
    assert!(
        !app.get_me(&user.tokens.access_token)
            .await
            .unwrap()
            .disabled
    );
}

#[tokio::test]
async fn a_user_does_not_give_itself_a_role() {
    let app = App::start().await;
    let tokens = app.user("mallory@example.org").await;

    for paths in [vec![], vec!["roles".to_owned()], vec!["*".to_owned()]] {
        let request = UpdateMeRequest {
            user: Some(User {
                roles: vec!["admin".into()],
                ..User::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths }),
        };
        let request = bearer(request, &tokens.access_token);
        app.account.clone().update_me(request).await.unwrap();
    }

    let fresh = app.refresh(&tokens.refresh_token).await.unwrap();
    let by = Admin::with(&app, fresh.tokens.unwrap(), String::new());
    assert_eq!(
        refusal(by.list(ListUsersRequest::default()).await),
        NOT_ALLOWED.1
    );
}

#[tokio::test]
async fn a_token_that_someone_rewrote_is_refused() {
    let app = App::start().await;
    let victim = app.sign_up("bob@example.org").await.unwrap();
    let mut tokens = app.user("mallory@example.org").await;
    let mut claims = claims(&tokens.access_token);
    claims["scope"] = "contacts.read contacts.write auth.admin".into();
    claims["roles"] = serde_json::json!(["admin"]);
    let body = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let parts: Vec<_> = tokens.access_token.split('.').collect();

    tokens.access_token = format!("{}.{body}.{}", parts[0], parts[2]);

    let by = Admin::with(&app, tokens, String::new());
    all_refuse(&by, &victim.id, (Code::Unauthenticated, "TOKEN_INVALID")).await;
}

/// A valid token that claims more than its user may, for whatever reason.
async fn says_that_it_administers(app: &App, access_token: &str, audience: &str) -> String {
    let sql = "SELECT kid, public_jwk, private_key_sealed FROM auth.signing_keys";
    let (kid, public_jwk, private_key_sealed) =
        sqlx::query_as(sql).fetch_one(&app.db).await.unwrap();
    let sealed = SealedKey {
        kid,
        algorithm: Algorithm::EdDsa,
        public_jwk,
        private_key_sealed,
    };
    let mut claims: Claims = serde_json::from_value(claims(access_token)).unwrap();
    claims.scope = "contacts.read auth.admin".into();
    claims.aud = audience.into();
    claims.roles = vec!["admin".into()];
    let signer = Signer::open(&sealed, &app.ring()).unwrap();
    signer.sign(&claims).unwrap()
}

/// Tokens of earlier versions were like that, and contacts accepted them as well.
#[tokio::test]
async fn a_signed_scope_is_not_believed_where_contacts_sees_the_token() {
    let app = App::start().await;
    let mut ada = Admin::new(&app, "ada@example.org").await;
    let victim = app.sign_up("bob@example.org").await.unwrap();
    let access = ada.tokens.access_token.clone();

    ada.tokens.access_token = says_that_it_administers(&app, &access, "addressbook").await;
    all_refuse(&ada, &victim.id, NOT_ALLOWED).await;
    ada.tokens.access_token = says_that_it_administers(&app, &access, "addressbook/auth").await;
    ada.get(&victim.id).await.unwrap();
}

#[tokio::test]
async fn a_signed_scope_is_not_believed_without_the_role() {
    let app = App::start().await;
    let victim = app.sign_up("bob@example.org").await.unwrap();
    let mut tokens = app.user("mallory@example.org").await;

    let access = &tokens.access_token;
    tokens.access_token = says_that_it_administers(&app, access, "addressbook/auth").await;

    app.get_me(&tokens.access_token).await.unwrap();
    let by = Admin::with(&app, tokens, String::new());
    all_refuse(&by, &victim.id, NOT_ALLOWED).await;
}

#[tokio::test]
async fn tokens_made_in_the_second_of_a_revocation_but_after_it_work() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;

    ada.set_roles(&bob.id, &[]).await.unwrap();
    let refreshed = app.refresh(&bob.tokens.refresh_token).await.unwrap();
    let logged_in = app.log_in("bob@example.org", PASSWORD).await.unwrap();

    for tokens in [refreshed.tokens.unwrap(), logged_in] {
        app.get_me(&tokens.access_token).await.unwrap();
    }
    let before = app.get_me(&bob.tokens.access_token).await;
    assert_eq!(refusal(before), "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_demoted_administrators_token_ends_before_its_time() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;
    bob.get(&ada.id).await.unwrap();

    ada.set_roles(&bob.id, &[]).await.unwrap();

    all_refuse(&bob, &ada.id, REVOKED).await;
    let me = app.get_me(&bob.tokens.access_token).await;
    assert_eq!(refusal(me), "TOKEN_REVOKED");
    app.advance(1);
    let fresh = app.refresh(&bob.tokens.refresh_token).await.unwrap();
    let fresh = fresh.tokens.unwrap();
    assert_eq!(
        claims(&fresh.access_token)["scope"],
        "contacts.read contacts.write"
    );
    assert_eq!(claims(&fresh.access_token)["roles"], serde_json::json!([]));
    // After getting the role back, the next refresh works.
    make_admin(&app, "bob@example.org").await.unwrap();
    all_refuse(&bob, &ada.id, REVOKED).await;
    let bob = Admin::refreshed(&app, &fresh, &bob.id).await;
    bob.get(&ada.id).await.unwrap();
}

#[tokio::test]
async fn an_administrator_without_session_or_account_is_refused_everything() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;
    let gone = Admin::log_in(&app, "bob@example.org", &bob.id).await;

    app.log_out(&gone.tokens.refresh_token).await.unwrap();
    all_refuse(&gone, &ada.id, REVOKED).await;
    bob.get(&ada.id).await.unwrap();

    ada.disable(&bob.id).await.unwrap();
    all_refuse(&bob, &ada.id, REVOKED).await;
    // As if its session were valid and its token not revoked.
    app.sql("DELETE FROM auth.revocations").await;
    app.sql("UPDATE auth.sessions SET revoke_time = NULL, epoch = 1 WHERE epoch = 0")
        .await;
    all_refuse(&bob, &ada.id, (Code::PermissionDenied, "ACCOUNT_DISABLED")).await;
}

#[tokio::test]
async fn a_program_administers_while_it_has_the_scope() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let (id, secret) = ada.create("console", &["auth.admin"]).await.unwrap();
    let issued = issue(&app, asks("console", &secret, &[])).await.unwrap();
    let console = Admin::program(&app, issued.access_token);

    assert_eq!(console.get(&ada.id).await.unwrap().roles, ["admin"]);
    console
        .create("mailer", &["auth.introspect"])
        .await
        .unwrap();
    let sql = "SELECT actor_id::text FROM auth.audit_events WHERE detail = 'mailer'";
    let actor: String = sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap();
    assert_eq!(actor, id);

    app.sql("UPDATE auth.service_accounts SET scopes = '{contacts.read}'")
        .await;
    all_refuse(&console, &ada.id, NOT_ALLOWED).await;
    app.sql("UPDATE auth.service_accounts SET scopes = '{auth.admin}'")
        .await;
    ada.delete("console").await.unwrap();
    all_refuse(&console, &ada.id, REVOKED).await;
    // A new account with the same name is a different one.
    ada.create("console", &["auth.admin"]).await.unwrap();
    all_refuse(&console, &ada.id, REVOKED).await;
}
