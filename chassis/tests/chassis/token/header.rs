//! The header of a token must not decide how it is verified.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Desk, Mint, base64, encode};

#[test]
fn a_good_token_passes() {
    for mint in [Mint::ed_dsa("a"), Mint::es256("a")] {
        let desk = Desk::knowing(&[&mint]);

        let caller = desk.show(&mint.good()).unwrap();

        let user = caller.user_id.to_string();
        assert_eq!(user, "0198c0de-0000-7000-8000-000000000001");
    }
}

#[test]
fn keys_of_both_algorithms_work_side_by_side() {
    let (ed_dsa, es256) = (Mint::ed_dsa("a"), Mint::es256("b"));
    let desk = Desk::knowing(&[&ed_dsa, &es256]);

    assert!(desk.passes(&ed_dsa.good()));
    assert!(desk.passes(&es256.good()));
}

#[test]
fn no_algorithm_is_no_token() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    for alg in ["none", "None", "NONE", "nOnE", "", " ", "null"] {
        let header = json!({ "alg": alg, "kid": "a", "typ": "at+jwt" });
        let input = encode(&header, Mint::claims());

        assert_eq!(desk.refuses(&format!("{input}.")), "TOKEN_INVALID");
        let signed = mint.token(&header, Mint::claims());
        assert_eq!(desk.refuses(&signed), "TOKEN_INVALID");
        assert_eq!(desk.refuses(&input), "TOKEN_INVALID");
    }
}

#[test]
fn an_algorithm_must_be_spelled_as_it_is() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    let wrong = [
        "eddsa", "EDDSA", "Ed25519", "EdDSA ", "EdDSA\0", "ES256", "HS256", "RS256",
    ];
    for alg in wrong.map(|alg| Some(alg.into())) {
        assert_eq!(desk.refuses(&mint.with_header("alg", alg)), "TOKEN_INVALID");
    }
    for alg in [
        None,
        Some(Value::Null),
        Some(json!(["EdDSA"])),
        Some(json!(1)),
    ] {
        assert_eq!(desk.refuses(&mint.with_header("alg", alg)), "TOKEN_INVALID");
    }
}

/// The classic attack: the public key used as a shared secret.
#[test]
fn a_public_key_is_no_shared_secret() {
    for mint in [Mint::ed_dsa("a"), Mint::es256("a")] {
        let desk = Desk::knowing(&[&mint]);
        let public = mint.public();
        // RFC 8410 and RFC 5480: the bytes before the key in its PEM file.
        let der_head = match mint.alg() {
            "EdDSA" => "302a300506032b6570032100",
            _ => "3059301306072a8648ce3d020106082a8648ce3d030107034200",
        };
        let der = [&hex::decode(der_head).unwrap(), public].concat();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            BASE64_STANDARD.encode(&der)
        );
        let secrets = [
            public.to_vec(),
            der,
            pem.trim_end().into(),
            pem.into_bytes(),
            mint.jwk_json().to_string().into_bytes(),
            mint.jwk().x.into_bytes(),
            Vec::new(),
        ];

        for alg in ["HS256", "HS384", "HS512", mint.alg()] {
            let header = json!({ "alg": alg, "kid": "a", "typ": "at+jwt" });
            let input = encode(header, Mint::claims());
            for secret in &secrets {
                for algorithm in [hmac::HMAC_SHA256, hmac::HMAC_SHA384, hmac::HMAC_SHA512] {
                    let key = hmac::Key::new(algorithm, secret);
                    let mac = base64(hmac::sign(&key, input.as_bytes()));

                    assert_eq!(desk.refuses(&format!("{input}.{mac}")), "TOKEN_INVALID");
                }
            }
        }
    }
}

#[test]
fn a_key_works_for_its_own_algorithm_only() {
    let (ed_dsa, es256) = (Mint::ed_dsa("a"), Mint::es256("b"));
    let desk = Desk::knowing(&[&ed_dsa, &es256]);

    for (mint, other) in [(&ed_dsa, &es256), (&es256, &ed_dsa)] {
        for alg in [mint.alg(), other.alg()] {
            let header = json!({ "alg": alg, "kid": other.kid, "typ": "at+jwt" });
            let token = mint.token(header, Mint::claims());

            assert_eq!(desk.refuses(&token), "TOKEN_INVALID");
        }
    }
}

#[test]
fn a_key_that_contradicts_itself_opens_nothing() {
    let mint = Mint::ed_dsa("a");
    let mut jwk = mint.jwk_json();
    jwk["alg"] = "ES256".into();
    let desk = Desk::with_jwks(&[jwk, Mint::es256("other").jwk_json()]);

    for alg in ["EdDSA", "ES256"] {
        let token = mint.with_header("alg", Some(alg.into()));
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID");
    }
}

#[test]
fn keys_of_other_kinds_are_left_out() {
    let mint = Mint::ed_dsa("good");
    let secret = base64("secret of thirty-two bytes, or so");
    let symmetric = json!({ "kty": "oct", "k": secret, "alg": "HS256", "kid": "oct" });
    let mut nameless = Mint::ed_dsa("nameless").jwk_json();
    nameless.as_object_mut().unwrap().remove("kid");
    let desk = Desk::with_jwks(&[symmetric, nameless, mint.jwk_json()]);

    let input = encode(
        json!({ "alg": "HS256", "kid": "oct", "typ": "at+jwt" }),
        Mint::claims(),
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret of thirty-two bytes, or so");
    let mac = base64(hmac::sign(&key, input.as_bytes()));
    assert_eq!(desk.refuses(&format!("{input}.{mac}")), "TOKEN_INVALID");
    assert!(desk.passes(&mint.good()));
}

#[test]
fn only_a_known_kid_names_a_key() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    let kids = [
        json!("b"),
        json!(""),
        json!("A"),
        json!("a "),
        json!("a\0"),
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("https://evil.test/jwks.json"),
        json!("a' OR '1'='1"),
        json!("'; DROP TABLE auth.signing_keys; --"),
        json!("x".repeat(1000)),
        json!(0),
        json!(null),
        json!(["a"]),
        json!({ "kid": "a" }),
        json!(true),
    ];
    for kid in kids {
        let token = mint.with_header("kid", Some(kid));
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID");
    }
    assert_eq!(
        desk.refuses(&mint.with_header("kid", None)),
        "TOKEN_INVALID"
    );
}

#[test]
fn a_forged_token_with_a_known_kid_is_refused() {
    let (real, forger) = (Mint::ed_dsa("a"), Mint::ed_dsa("a"));
    let desk = Desk::knowing(&[&real]);

    assert_eq!(desk.refuses(&forger.good()), "TOKEN_INVALID");
}

#[test]
fn a_header_that_brings_its_own_key_is_refused() {
    let (real, forger) = (Mint::ed_dsa("a"), Mint::ed_dsa("a"));
    let desk = Desk::knowing(&[&real]);
    let entries = [
        ("jwk", forger.jwk_json()),
        ("jku", json!("https://evil.test/jwks.json")),
        ("x5u", json!("https://evil.test/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("nonsense", json!(1)),
    ];

    for (name, value) in entries {
        for mint in [&real, &forger] {
            let token = mint.with_header(name, Some(value.clone()));
            assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{name}");
        }
    }
}

#[test]
fn a_header_that_says_a_thing_twice_is_refused() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a","typ":"at+jwt"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"a","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"b","kid":"a","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"JWT","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt","\u006bid":"a"}"#,
    ] {
        let token = mint.token(header, Mint::claims());
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{header}");
    }
}

#[test]
fn a_header_that_is_no_object_is_refused() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    for header in [
        "",
        "{}",
        "null",
        "[]",
        r#"["EdDSA","a","at+jwt"]"#,
        "\"EdDSA\"",
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt"}}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt"} {}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt",}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt""#,
        "\u{feff}{\"alg\":\"EdDSA\",\"kid\":\"a\",\"typ\":\"at+jwt\"}",
    ] {
        let token = mint.token(header, Mint::claims());
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{header}");
    }
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);

    let kinds = [
        "JWT",
        "jwt",
        "AT+JWT",
        "application/at+jwt",
        "rt+jwt",
        "id+jwt",
        "dpop+jwt",
        "",
    ];
    for typ in kinds {
        let token = mint.with_header("typ", Some(typ.into()));
        assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{typ}");
    }
    for typ in [None, Some(Value::Null), Some(json!(["at+jwt"]))] {
        assert_eq!(desk.refuses(&mint.with_header("typ", typ)), "TOKEN_INVALID");
    }
}
