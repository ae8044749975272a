//! What an administrator's tokens can be used for: tokens that a compromised contacts
//! service receives, and tokens of an old or a weak log-in.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::uri::PathAndQuery;
use prost::Message;
use prost_types::FileDescriptorSet;
use proto::auth::v1::complete_mfa_request::Code as MfaCode;
use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{
    CreateServiceAccountRequest, GetMeRequest, ListUsersRequest, SetUserRolesRequest,
};
use sqlx::ConnectOptions;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::admin::{Admin, SCOPE};
use crate::app::Secured;
use crate::pair::{Pair, Side};
use crate::user::{PASSWORD, bearer, reason, refusal};

const ROOT: &str = "root@example.com";

/// The paths of all RPCs of the services whose name has this prefix.
fn rpcs(prefix: &str) -> Vec<String> {
    let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut paths = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            let methods = service.method.iter();
            let methods = methods.filter(|_| name.starts_with(prefix));
            paths.extend(methods.map(|method| format!("/{name}/{}", method.name())));
        }
    }
    paths
}

/// Calls any RPC, with an empty message.
async fn call(channel: &Channel, path: &str, token: &str) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let path = PathAndQuery::try_from(path).unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    client.unary(bearer((), token), path, codec).await.map(drop)
}

async fn all_refuse(channel: &Channel, prefix: &str, token: &str, expected: (Code, &str)) {
    let paths = rpcs(prefix);
    assert!(paths.len() > 12, "{paths:?}");
    for path in paths {
        let status = call(channel, &path, token).await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), expected, "{path}");
    }
}

async fn administers(side: &Side, token: &str) -> bool {
    let request = bearer(ListUsersRequest::default(), token);
    side.admin.clone().list_users(request).await.is_ok()
}

/// The scopes of an access token.
fn scopes(access_token: &str) -> Vec<String> {
    let claims = access_token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let scope = claims["scope"].as_str().unwrap();
    scope.split(' ').map(str::to_owned).collect()
}

/// Gives a user the role of administrators, and creates a program that administers.
/// Returns why that was refused.
async fn take_over(side: &Side, token: &str, user_id: &str) -> [String; 2] {
    let mut admin = side.admin.clone();
    let roles = SetUserRolesRequest {
        user_id: user_id.into(),
        roles: vec!["admin".into()],
        ..SetUserRolesRequest::default()
    };
    let promoted = admin.set_user_roles(bearer(roles, token)).await;
    let program = CreateServiceAccountRequest {
        client_id: "mole".into(),
        scopes: vec![SCOPE.into()],
        ..CreateServiceAccountRequest::default()
    };
    let created = admin.create_service_account(bearer(program, token)).await;
    [refusal(promoted), refusal(created)]
}

#[tokio::test]
async fn what_contacts_sees_of_an_administrator_administers_nothing() {
    let pair = Pair::start().await;
    let admin = Admin::new(&pair, 0, ROOT).await;
    let logged_in = pair.side(0).log_in(ROOT, PASSWORD).await.unwrap();
    // Even if the session had such a token before.
    let refreshed = pair.side(1).refresh(&admin.tokens.refresh_token).await;
    let refreshed = refreshed.unwrap().tokens.unwrap();
    let mallory = pair.side(1).user("mallory@example.com").await;
    let me = bearer(GetMeRequest {}, &mallory.access_token);
    let me = pair.side(1).account.clone().get_me(me).await.unwrap();
    let mallory = me.into_inner().user.unwrap().id;

    for side in &pair.sides {
        for tokens in [&logged_in, &refreshed] {
            let seen = &tokens.access_token;
            side.list(seen).await.unwrap();
            let me = side.account.clone();
            me.clone()
                .get_me(bearer(GetMeRequest {}, seen))
                .await
                .unwrap();
            let taken = take_over(side, seen, &mallory).await;
            assert_eq!(taken, ["INSUFFICIENT_SCOPE"; 2]);
            // Its audience would be refused, too.
            assert_eq!(scopes(seen), ["contacts.read", "contacts.write"]);
            let refused = (Code::PermissionDenied, "INSUFFICIENT_SCOPE");
            let service = "addressbook.auth.v1.AdminService";
            all_refuse(&side.accounts, service, seen, refused).await;
        }
    }
}

#[tokio::test]
async fn contacts_refuses_what_administers() {
    let pair = Pair::start().await;
    let admin = Admin::new(&pair, 0, ROOT).await;
    for side in &pair.sides {
        let token = &admin.tokens.access_token;
        assert!(administers(side, token).await);
        let refused = (Code::Unauthenticated, "TOKEN_WRONG_AUDIENCE");
        all_refuse(&side.contacts, "addressbook.contacts.v1.", token, refused).await;
    }
}

#[tokio::test]
async fn an_old_log_in_does_not_administer() {
    let pair = Pair::start().await;
    let tokens = Admin::new(&pair, 0, ROOT).await.tokens;
    let mut db = pair.database.admin().connect().await.unwrap();
    let sql = "UPDATE auth.sessions SET auth_time = auth_time - interval '15 minutes 1 second'";
    sqlx::query(sql).execute(&mut db).await.unwrap();

    let mut token = tokens.refresh_token;
    for side in &pair.sides {
        let status = side.refresh_for(&token, &[SCOPE]).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "AUTHENTICATION_TOO_OLD");
        // The session continues, and its log-in is as old as before.
        let refreshed = side.refresh(&token).await.unwrap().tokens.unwrap();
        assert!(!administers(side, &refreshed.access_token).await);
        token = refreshed.refresh_token;
    }
}

#[tokio::test]
async fn a_password_alone_does_not_administer_where_there_is_a_second_factor() {
    let pair = Pair::start().await;
    let [one, other] = &pair.sides;
    let root = Secured::new(&pair, one, ROOT).await;
    pair.make_admin(ROOT);

    // A session from before the second factor.
    let token = &root.tokens.refresh_token;
    for side in &pair.sides {
        let refused = side.refresh_for(token, &[SCOPE]).await;
        assert_eq!(refusal(refused), "AUTHENTICATION_TOO_WEAK");
    }
    one.refresh(token).await.unwrap();
    // The scopes requested with the password are granted with the code, at any replica.
    let asked = one.try_log_in_for(ROOT, PASSWORD, &[SCOPE]).await.unwrap();
    let LogInResult::MfaChallenge(challenge) = asked else {
        panic!("no challenge but tokens");
    };
    let code = MfaCode::TotpCode(root.code());
    let tokens = other.complete(challenge.id, code).await.unwrap().tokens;
    assert!(administers(one, &tokens.unwrap().access_token).await);
}

#[tokio::test]
async fn nobody_administers_by_asking() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let tokens = side.user("mallory@example.com").await;

    let asked = side
        .try_log_in_for("mallory@example.com", PASSWORD, &[SCOPE])
        .await;
    assert_eq!(refusal(asked), "SCOPE_NOT_ALLOWED");
    let asked = side.refresh_for(&tokens.refresh_token, &[SCOPE]).await;
    assert_eq!(refusal(asked), "SCOPE_NOT_ALLOWED");
    let wrong = side.try_log_in_for(ROOT, PASSWORD, &[SCOPE]).await;
    assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
    side.refresh(&tokens.refresh_token).await.unwrap();
}
