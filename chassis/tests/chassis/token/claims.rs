//! The claims of a token must be complete, well-formed, for this service, and not
//! expired.

use serde_json::{Value, json};

use super::{Desk, Mint, NOW};

fn desk() -> (Desk, Mint) {
    let mint = Mint::ed_dsa("a");
    (Desk::knowing(&[&mint]), mint)
}

#[test]
fn a_token_without_a_required_claim_is_refused() {
    let (desk, mint) = desk();

    for name in [
        "iss",
        "aud",
        "sub",
        "exp",
        "iat",
        "jti",
        "client_id",
        "scope",
    ] {
        let reason = desk.refuses(&mint.with_claim(name, None));
        assert_eq!(reason, "TOKEN_INVALID", "{name}");
        let reason = desk.refuses(&mint.with_claim(name, Some(Value::Null)));
        assert_eq!(reason, "TOKEN_INVALID", "{name}");
    }
}

#[test]
fn an_end_that_is_no_whole_number_is_refused() {
    let (desk, mint) = desk();

    let ends = [
        json!((NOW + 600).to_string()),
        json!("never"),
        json!(1_800_000_600.5),
        json!(1.8e12),
        json!(u64::MAX),
        json!(-1),
        json!(i64::MIN),
        json!([NOW + 600]),
        json!({ "$gt": 0 }),
        json!(true),
    ];
    for end in ends {
        let reason = desk.refuses(&mint.with_claim("exp", Some(end.clone())));
        assert_eq!(reason, "TOKEN_INVALID", "{end}");
    }
    assert_eq!(
        desk.refuses(&mint.with_claim("exp", Some(json!(0)))),
        "TOKEN_EXPIRED"
    );
}

#[test]
fn a_token_ends_with_the_leeway() {
    let (desk, mint) = desk();
    let token = mint.good();
    let end = NOW + 600;

    for (now, passes) in [
        (end - 1, true),
        (end, true),
        (end + 29, true),
        (end + 30, false),
        (end + 31, false),
        (end + 1_000_000_000, false),
    ] {
        desk.set_now(now);
        assert_eq!(desk.passes(&token), passes, "{}", now - end);
    }
    assert_eq!(desk.refuses(&token), "TOKEN_EXPIRED");
}

#[test]
fn a_token_from_the_future_is_refused() {
    let (desk, mint) = desk();

    for claim in ["iat", "nbf"] {
        for (time, passes) in [
            (NOW - 1_000_000, true),
            (NOW + 30, true),
            (NOW + 31, false),
            (i64::MAX, false),
        ] {
            let token = mint.with_claim(claim, Some(json!(time)));
            assert_eq!(desk.passes(&token), passes, "{claim} {time}");
        }
    }
}

#[test]
fn times_in_the_wrong_form_are_refused() {
    let (desk, mint) = desk();

    for claim in ["iat", "nbf", "auth_time"] {
        for time in [
            json!("0"),
            json!(0.5),
            json!(u64::MAX),
            json!([]),
            json!(true),
        ] {
            let reason = desk.refuses(&mint.with_claim(claim, Some(time.clone())));
            assert_eq!(reason, "TOKEN_INVALID", "{claim} {time}");
        }
    }
}

#[test]
fn a_token_for_another_audience_is_told_so() {
    let (desk, mint) = desk();

    for audience in [
        "",
        "other",
        "Addressbook",
        "addressbook ",
        "addressbook,other",
        "*",
    ] {
        let reason = desk.refuses(&mint.with_claim("aud", Some(audience.into())));
        assert_eq!(reason, "TOKEN_WRONG_AUDIENCE", "{audience:?}");
    }
}

/// Our tokens have exactly one audience; a list is not accepted.
#[test]
fn a_list_of_audiences_is_refused() {
    let (desk, mint) = desk();

    for audience in [
        json!([]),
        json!(["other"]),
        json!(["addressbook"]),
        json!({}),
        json!(1),
    ] {
        let reason = desk.refuses(&mint.with_claim("aud", Some(audience.clone())));
        assert_eq!(reason, "TOKEN_INVALID", "{audience}");
    }
}

#[test]
fn a_token_of_another_issuer_is_refused() {
    let (desk, mint) = desk();

    let issuers = [
        json!(""),
        json!("https://evil.test"),
        json!("https://auth.test/"),
        json!("https://AUTH.test"),
        json!(["https://auth.test"]),
        json!(["https://evil.test", "https://auth.test"]),
        json!(7),
    ];
    for issuer in issuers {
        let reason = desk.refuses(&mint.with_claim("iss", Some(issuer.clone())));
        assert_eq!(reason, "TOKEN_INVALID", "{issuer}");
    }
}

#[test]
fn a_subject_that_is_no_id_is_refused() {
    let (desk, mint) = desk();

    let subjects = [
        json!(""),
        json!("admin"),
        json!("0198c0de-0000-7000-8000-00000000000"),
        json!("0198c0de-0000-7000-8000-000000000001 "),
        json!("0198c0de-0000-7000-8000-000000000001' OR '1'='1"),
        json!(1),
        json!(["0198c0de-0000-7000-8000-000000000001"]),
    ];
    for subject in subjects {
        let reason = desk.refuses(&mint.with_claim("sub", Some(subject.clone())));
        assert_eq!(reason, "TOKEN_INVALID", "{subject}");
    }
}

#[test]
fn claims_that_say_a_thing_twice_are_refused() {
    let (desk, mint) = desk();
    let claims = Mint::claims().to_string();

    for twice in [
        r#""sub":"0198c0de-0000-7000-8000-00000000000f","#,
        r#""exp":9999999999,"#,
    ] {
        let claims = claims.replacen('{', &format!("{{{twice}"), 1);
        let token = mint.token(mint.header(), claims);
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{twice}");
    }
}

#[test]
fn claims_that_are_no_object_are_refused() {
    let (desk, mint) = desk();

    for claims in [
        "",
        "{}",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{\"iss\":",
        "\u{0}",
    ] {
        let token = mint.token(mint.header(), claims);
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{claims:?}");
    }
}

/// A later version may add claims, which today's must ignore.
#[test]
fn a_claim_that_we_do_not_know_does_no_harm() {
    let (desk, mint) = desk();

    assert!(desk.passes(&mint.with_claim("tomorrow", Some(json!([1])))));
}
