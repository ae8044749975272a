//! The caller: identified by the interceptor, required by handlers.

use chassis::access::caller::Caller;
use chassis::access::token::{KeySet, TokenError};
use chassis::status::{DOMAIN, Refusal};
use serde_json::{Value, json};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::token::{Desk, Mint, NOW};
use crate::wire::reason;

fn desk() -> (Desk, Mint) {
    let mint = Mint::ed_dsa("a");
    (Desk::knowing(&[&mint]), mint)
}

#[test]
fn the_scheme_is_bearer_in_any_case() {
    let (desk, mint) = desk();
    let token = mint.good();

    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert!(desk.show_entries(&[&format!("{scheme} {token}")]).is_ok());
    }
}

/// RFC 6750 section 2.1 allows exactly one space.
#[test]
fn whatever_else_stands_in_the_entry_is_refused() {
    let (desk, mint) = desk();
    let token = mint.good();

    for entry in [
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        format!("Bearer  {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token} "),
        format!("Bearer: {token}"),
        format!("Bearer token={token}"),
        format!("Bearer Bearer {token}"),
        format!(" Bearer {token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ] {
        let status = desk.show_entries(&[&entry]).unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{entry:?}");
        assert_eq!(reason(&status), "TOKEN_INVALID", "{entry:?}");
    }
}

#[test]
fn a_request_without_token_is_told_what_is_missing() {
    let (desk, _) = desk();

    let status = desk.show_entries(&[]).unwrap_err();

    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "TOKEN_MISSING");
    assert_eq!(status.metadata().get("www-authenticate").unwrap(), "Bearer");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, DOMAIN);
}

#[test]
fn two_entries_are_refused_even_when_both_are_good() {
    let (desk, mint) = desk();
    let good = format!("Bearer {}", mint.good());

    for entries in [[&*good, &*good], [&*good, "Bearer x"], ["", &*good]] {
        let status = desk.show_entries(&entries).unwrap_err();
        assert_eq!(reason(&status), "TOKEN_INVALID");
    }
}

#[test]
fn without_keys_a_token_is_not_called_bad() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::on(KeySet::default());

    let status = desk.show(&mint.good()).unwrap_err();

    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "KEYS_UNAVAILABLE");
    assert!(status.metadata().get("www-authenticate").is_none());
}

#[test]
fn a_handler_without_the_interceptor_refuses() {
    let refused = Caller::of(&Request::new(())).unwrap_err();

    assert_eq!(refused, TokenError::Missing);
    let status = Status::from(Refusal::from(refused));
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[test]
fn a_scope_is_a_whole_word() {
    let (desk, mint) = desk();
    let allows = |scope: Value, wanted: &str| {
        let caller = desk.show(&mint.with_claim("scope", Some(scope))).unwrap();
        let mut request = Request::new(());
        request.extensions_mut().insert(caller);
        Caller::with_scope(&request, wanted).map(|_| ())
    };

    assert!(allows(json!("contacts auth.admin"), "auth.admin").is_ok());
    for scope in [
        "",
        "auth",
        "auth.administrator",
        "xauth.admin",
        "AUTH.ADMIN",
        "auth.admin,x",
    ] {
        let refused = allows(json!(scope), "auth.admin").unwrap_err();
        assert_eq!(refused, TokenError::InsufficientScope, "{scope}");
    }
    let status = Status::from(Refusal::from(TokenError::InsufficientScope));
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "INSUFFICIENT_SCOPE");
}

#[test]
fn a_program_has_no_session() {
    let (desk, mint) = desk();

    let caller = desk.show(&mint.with_claim("sid", None)).unwrap();

    assert_eq!(caller.session_id, None);
}

#[test]
fn a_remembered_token_still_ends() {
    let (desk, mint) = desk();
    let entry = format!("Bearer {}", mint.good());
    desk.show_entries(&[&entry]).unwrap();

    desk.set_now(i64::from(u32::MAX));

    let status = desk.show_entries(&[&entry]).unwrap_err();
    assert_eq!(reason(&status), "TOKEN_EXPIRED");
}

#[test]
fn a_remembered_token_is_checked_again_when_the_keys_change() {
    let (desk, mint) = desk();
    let entry = format!("Bearer {}", mint.good());
    desk.show_entries(&[&entry]).unwrap();

    let other = Mint::ed_dsa("b");
    desk.keys
        .replace(&[serde_json::from_value(other.jwk_json()).unwrap()]);

    let status = desk.show_entries(&[&entry]).unwrap_err();
    assert_eq!(reason(&status), "TOKEN_INVALID");
}

#[test]
fn a_caller_who_stays_is_refused_when_the_token_ends() {
    let (desk, mint) = desk();
    let caller = desk.show(&mint.good()).unwrap();

    desk.set_now(NOW + 599);
    assert_eq!(desk.look_again(&caller), Ok(()));
    desk.set_now(NOW + 600);
    assert_eq!(desk.look_again(&caller), Err(TokenError::Expired));
}

#[test]
fn a_caller_who_stays_is_refused_when_the_key_is_gone_and_not_when_another_comes() {
    let (desk, mint) = desk();
    let caller = desk.show(&mint.good()).unwrap();

    let both = [mint.jwk_json(), Mint::ed_dsa("b").jwk_json()];
    let both = both.map(|jwk| serde_json::from_value(jwk).unwrap());
    desk.keys.replace(&both);
    assert_eq!(desk.look_again(&caller), Ok(()));
    desk.keys.remove(mint.kid);
    assert_eq!(desk.look_again(&caller), Err(TokenError::Invalid));
    desk.keys.replace(&[]);
    assert_eq!(desk.look_again(&caller), Err(TokenError::KeysUnavailable));
}
