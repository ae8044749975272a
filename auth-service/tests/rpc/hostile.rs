//! Whatever a string field contains, a call fails with a reason and never with INTERNAL.

use prost_types::FieldMask;
use proto::auth::v1::{
    ChangePasswordRequest, ListSessionsRequest, LogInRequest, LogOutRequest, RefreshTokenRequest,
    RevokeSessionRequest, SignUpRequest, UpdateMeRequest, User,
};
use tonic::codec::CompressionEncoding;
use tonic::{Code, Response, Status};

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, new_account, reason};

fn strings() -> Vec<String> {
    let mut strings: Vec<String> = [
        "\0",
        "a\0b",
        "ada\0@example.org",
        "\u{1b}[31m",
        "a\r\nb",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "\u{ffff}",
        "\u{10ffff}",
        "👩‍👩‍👧‍👦",
        "e\u{301}\u{301}\u{301}",
        "ﷺ",
        "İ",
        "' OR 1=1 --",
        "%",
        "_",
        "\\",
        "{}",
        "${jndi:ldap://x}",
        "*",
        "..",
        "@",
        "@@",
        "a@",
        "rt1_",
        "\"",
        "\"\"",
    ]
    .map(str::to_owned)
    .to_vec();
    strings.extend(["a", "é", "ﷺ", "\u{301}", "@", "."].map(|unit| unit.repeat(5000)));
    strings.push("x".repeat(100_000));
    strings
}

fn check<T>(what: &str, text: &str, answer: Result<Response<T>, Status>) {
    if let Err(status) = answer {
        let shown: String = text.chars().take(20).collect();
        let expected = [
            Code::InvalidArgument,
            Code::Unauthenticated,
            Code::AlreadyExists,
            Code::NotFound,
            Code::Aborted,
            // Larger than any request may be; text that is not an address shares one
            // bucket of failed log-ins.
            Code::ResourceExhausted,
        ];
        assert!(
            expected.contains(&status.code()),
            "{what} {shown:?}: {status:?}"
        );
    }
}

#[tokio::test]
async fn sign_up_refuses_hostile_strings_with_a_reason() {
    let app = App::start().await;
    for text in strings() {
        let fields: [fn(&mut SignUpRequest) -> &mut String; 4] = [
            |r| &mut r.email,
            |r| &mut r.password,
            |r| &mut r.display_name,
            |r| &mut r.request_id,
        ];
        for field in fields {
            let mut request = new_account("bob@example.org");
            field(&mut request).clone_from(&text);
            check("SignUp", &text, app.auth.clone().sign_up(request).await);
        }
    }
}

#[tokio::test]
async fn a_packed_request_is_understood_but_not_unpacked_without_end() {
    let app = App::start().await;
    let mut packed = app.auth.clone().send_compressed(CompressionEncoding::Gzip);
    let mut bomb = new_account("bob@example.org");
    bomb.display_name = "x".repeat(30 << 20);

    packed
        .sign_up(new_account("ada@example.org"))
        .await
        .unwrap();
    let refused = packed.sign_up(bomb).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "MESSAGE_TOO_LARGE");
    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn log_in_refuses_hostile_strings_with_a_reason() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    for text in strings() {
        let fields: [fn(&mut LogInRequest) -> &mut String; 4] = [
            |r| &mut r.email,
            |r| &mut r.password,
            |r| &mut r.client_label,
            |r| &mut r.device_token,
        ];
        for field in fields {
            let mut request = LogInRequest {
                email: "ada@example.org".into(),
                password: PASSWORD.into(),
                ..LogInRequest::default()
            };
            field(&mut request).clone_from(&text);
            check("LogIn", &text, app.auth.clone().log_in(request).await);
        }
    }
}

#[tokio::test]
async fn refresh_and_log_out_refuse_hostile_strings_with_a_reason() {
    let app = App::start().await;
    let token = app.user("ada@example.org").await.refresh_token;
    for text in strings() {
        let mut auth = app.auth.clone();
        let refresh = |refresh_token: &str, request_id: &str| RefreshTokenRequest {
            refresh_token: refresh_token.into(),
            request_id: request_id.into(),
            ..RefreshTokenRequest::default()
        };
        check(
            "refresh_token",
            &text,
            auth.refresh_token(refresh(&text, "")).await,
        );
        check(
            "request_id",
            &text,
            auth.refresh_token(refresh(&token, &text)).await,
        );
        let log_out = LogOutRequest {
            refresh_token: text.clone(),
        };
        check("LogOut", &text, auth.log_out(log_out).await);
    }
}

#[tokio::test]
async fn update_me_refuses_hostile_strings_with_a_reason() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    for text in strings() {
        let fields: [fn(&mut User) -> &mut String; 4] = [
            |u| &mut u.id,
            |u| &mut u.email,
            |u| &mut u.display_name,
            |u| &mut u.etag,
        ];
        let mut requests = Vec::new();
        for field in fields {
            let mut user = User::default();
            field(&mut user).clone_from(&text);
            requests.push(UpdateMeRequest {
                user: Some(user),
                update_mask: None,
            });
        }
        requests.push(UpdateMeRequest {
            user: Some(User::default()),
            update_mask: Some(FieldMask {
                paths: vec![text.clone()],
            }),
        });
        for request in requests {
            let answer = app
                .account
                .clone()
                .update_me(bearer(request, &access))
                .await;
            check("UpdateMe", &text, answer);
        }
    }
    app.get_me(&access).await.unwrap();
}

#[tokio::test]
async fn the_rest_refuses_hostile_strings_with_a_reason() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    for text in strings() {
        let mut account = app.account.clone();
        for (current, new) in [(&*text, OTHER_PASSWORD), ("not-the-password", &*text)] {
            let request = ChangePasswordRequest {
                current_password: current.into(),
                new_password: new.into(),
            };
            let answer = account.change_password(bearer(request, &access)).await;
            check("ChangePassword", &text, answer);
        }
        let request = ListSessionsRequest {
            page_size: 0,
            page_token: text.clone(),
        };
        check(
            "ListSessions",
            &text,
            account.list_sessions(bearer(request, &access)).await,
        );
        let request = RevokeSessionRequest {
            session_id: text.clone(),
        };
        check(
            "RevokeSession",
            &text,
            account.revoke_session(bearer(request, &access)).await,
        );
    }
    app.get_me(&access).await.unwrap();
}
