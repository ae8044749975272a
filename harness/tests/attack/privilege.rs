//! Tokens that claim more than they were issued for.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proto::auth::v1::{
    GetMeRequest, IntrospectTokenRequest, IssueServiceTokenRequest, ListUsersRequest,
    RevokeSessionRequest, SetUserRolesRequest, UpdateMeRequest, User, WatchRevocationsRequest,
};

use crate::pair::{PROGRAM_SECRET, Pair};
use crate::user::{bearer, refusal};

/// The token with another payload or header, and its original signature.
fn forged(token: &str, part: usize, from: &str, to: &str) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let json = BASE64_URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert!(json.contains(from), "no {from} in {json}");
    parts[part] = BASE64_URL_SAFE_NO_PAD.encode(json.replace(from, to));
    parts.join(".")
}

#[tokio::test]
async fn a_user_gets_no_rights_by_asking() {
    let pair = Pair::start().await;
    let tokens = pair.side(0).user("mallory@example.com").await;
    let access = &tokens.access_token;
    let unsigned = forged(access, 0, "\"EdDSA\"", "\"none\"");
    for side in &pair.sides {
        let mut account = side.account.clone();
        let (mut admin, mut programs) = (side.admin.clone(), side.programs.clone());
        for token in [
            forged(access, 1, "contacts.read", "auth.admin contacts.read"),
            unsigned.clone(),
            unsigned.rsplit_once('.').unwrap().0.to_owned() + ".",
        ] {
            assert_eq!(refusal(side.list(&token).await), "TOKEN_INVALID");
            let me = account.get_me(bearer(GetMeRequest {}, &token)).await;
            assert_eq!(refusal(me), "TOKEN_INVALID");
            let users = bearer(ListUsersRequest::default(), &token);
            assert_eq!(refusal(admin.list_users(users).await), "TOKEN_INVALID");
        }
        let roles = UpdateMeRequest {
            user: Some(User {
                roles: vec!["admin".into()],
                ..User::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["roles".into()],
            }),
        };
        // Output only: the value sent is ignored.
        account.update_me(bearer(roles, access)).await.unwrap();
        let me = account
            .get_me(bearer(GetMeRequest {}, access))
            .await
            .unwrap();
        let me = me.into_inner().user.unwrap();
        assert!(!me.roles.contains(&"admin".to_owned()), "{:?}", me.roles);

        let users = admin.list_users(bearer(ListUsersRequest::default(), access));
        assert_eq!(
            users.await.unwrap_err().code(),
            tonic::Code::PermissionDenied
        );
        let roles = SetUserRolesRequest {
            user_id: me.id,
            roles: vec!["admin".into()],
            ..SetUserRolesRequest::default()
        };
        let roles = admin.set_user_roles(bearer(roles, access)).await;
        assert_eq!(roles.unwrap_err().code(), tonic::Code::PermissionDenied);
        let token = access.clone();
        let asked = programs.introspect_token(bearer(IntrospectTokenRequest { token }, access));
        assert_eq!(
            asked.await.unwrap_err().code(),
            tonic::Code::PermissionDenied
        );
        let watch = bearer(WatchRevocationsRequest::default(), access);
        let watched = programs.watch_revocations(watch).await;
        assert_eq!(watched.unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}

#[tokio::test]
async fn a_program_is_no_user_and_no_administrator() {
    let pair = Pair::start().await;
    let mut programs = pair.side(0).programs;
    let request = IssueServiceTokenRequest {
        client_id: "contacts-service".into(),
        client_secret: PROGRAM_SECRET.into(),
        ..IssueServiceTokenRequest::default()
    };
    let greedy = IssueServiceTokenRequest {
        scopes: vec!["auth.admin".into()],
        ..request.clone()
    };
    programs.issue_service_token(greedy).await.unwrap_err();
    let issued = programs.issue_service_token(request).await.unwrap();
    let access = issued.into_inner().access_token;

    for side in &pair.sides {
        let mut account = side.account.clone();
        let me = account.get_me(bearer(GetMeRequest {}, &access)).await;
        me.unwrap_err();
        let users = bearer(ListUsersRequest::default(), &access);
        let users = side.admin.clone().list_users(users).await;
        assert_eq!(users.unwrap_err().code(), tonic::Code::PermissionDenied);
        side.list(&access).await.unwrap_err();
    }
}

#[tokio::test]
async fn the_session_of_another_user_looks_like_none() {
    let pair = Pair::start().await;
    let ada = pair.side(0).user("ada@example.com").await;
    let mallory = pair.side(1).user("mallory@example.com").await;
    let none = uuid::Uuid::now_v7().to_string();

    for side in &pair.sides {
        let mut answers = Vec::new();
        for session_id in [ada.session_id.clone(), none.clone()] {
            let request = bearer(RevokeSessionRequest { session_id }, &mallory.access_token);
            let status = side.account.clone().revoke_session(request).await;
            let status = status.unwrap_err();
            assert_eq!(status.code(), tonic::Code::NotFound);
            answers.push((status.message().to_owned(), status.details().to_vec()));
        }
        assert_eq!(answers[0], answers[1]);
    }
    pair.side(0).refresh(&ada.refresh_token).await.unwrap();
}
