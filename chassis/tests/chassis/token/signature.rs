//! Any change of a token after it was signed is detected.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Desk, Mint, base64};

fn split(token: &str) -> (&str, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input, BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap())
}

#[test]
fn every_bit_of_the_signature_counts() {
    for mint in [Mint::ed_dsa("a"), Mint::es256("a")] {
        let desk = Desk::knowing(&[&mint]);
        let token = mint.good();
        let (input, signature) = split(&token);
        assert_eq!(signature.len(), 64);

        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);

            let reason = desk.refuses(&format!("{input}.{}", base64(changed)));
            assert_eq!(reason, "TOKEN_INVALID", "bit {bit}");
        }
        assert!(desk.passes(&token));
    }
}

#[test]
fn every_byte_of_what_is_signed_counts() {
    for mint in [Mint::ed_dsa("a"), Mint::es256("a")] {
        let desk = Desk::knowing(&[&mint]);
        let token = mint.good();
        let (input, _) = split(&token);

        for at in 0..input.len() {
            for other in ['A', 'B', '-', '.'] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
                if changed != token {
                    assert_eq!(desk.refuses(&changed), "TOKEN_INVALID", "byte {at}");
                }
            }
        }
    }
}

#[test]
fn a_signature_belongs_to_one_token() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let first = mint.good();
    let other_user = json!("0198c0de-0000-7000-8000-0000000000ff");
    let second = mint.with_claim("sub", Some(other_user));
    assert!(desk.passes(&first) && desk.passes(&second));

    let (first, second): (Vec<_>, Vec<_>) =
        (first.split('.').collect(), second.split('.').collect());
    let swapped_signature = [first[0], first[1], second[2]].join(".");
    let swapped_claims = [first[0], second[1], first[2]].join(".");

    assert_eq!(desk.refuses(&swapped_signature), "TOKEN_INVALID");
    assert_eq!(desk.refuses(&swapped_claims), "TOKEN_INVALID");
}

#[test]
fn signatures_without_a_key_are_refused() {
    for mint in [Mint::ed_dsa("a"), Mint::es256("a")] {
        let desk = Desk::knowing(&[&mint]);
        let token = mint.good();
        let (input, signature) = split(&token);

        let forged = [
            Vec::new(),
            vec![0],
            vec![0; 64],
            vec![0xff; 64],
            signature[..63].to_vec(),
            signature[..32].to_vec(),
            [&*signature, &[0]].concat(),
            [&*signature, &*signature].concat(),
            [&[0; 32], &signature[32..]].concat(),
            [&signature[..32], &[0; 32]].concat(),
            // The neutral point, and a signature that it "verifies".
            [&[1][..], &[0; 63]].concat(),
        ];
        for signature in forged {
            let token = format!("{input}.{}", base64(&signature));
            assert_eq!(desk.refuses(&token), "TOKEN_INVALID", "{signature:?}");
        }
    }
}

/// With the group's order added to its second half, a signature satisfies the
/// same equation; RFC 8032 section 5.1.7 forbids it.
#[test]
fn a_second_form_of_the_same_signature_is_refused() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let token = mint.good();
    let (input, mut signature) = split(&token);
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de14").unwrap();
    let order = [&*order, &[0; 15], &[0x10]].concat();

    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);

    let reason = desk.refuses(&format!("{input}.{}", base64(signature)));
    assert_eq!(reason, "TOKEN_INVALID");
}

/// DER, the form of ECDSA signatures in other tools, is not that of RFC 7518.
#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let mint = Mint::es256("a");
    let desk = Desk::knowing(&[&mint]);
    let token = mint.good();
    let (input, signature) = split(&token);

    let integer = |bytes: &[u8]| [&[2, 33, 0][..], bytes].concat();
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    let der = [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat();

    let reason = desk.refuses(&format!("{input}.{}", base64(der)));
    assert_eq!(reason, "TOKEN_INVALID");
}

#[test]
fn a_token_has_three_parts_and_nothing_around_them() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let token = mint.good();
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts.try_into().unwrap();

    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}{claims}.{signature}."),
        format!("{token} "),
        format!(" {token}"),
        format!("{header}. {claims}.{signature}"),
        format!("{token}\t"),
        format!("{token},{token}"),
        format!("{token} {token}"),
        format!("\"{token}\""),
    ] {
        assert_eq!(desk.refuses(&wrong), "TOKEN_INVALID", "{wrong:?}");
    }
}

#[test]
fn a_part_is_encoded_in_one_way_only() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let token = mint.good();
    let (input, _) = split(&token);

    let last = token.chars().next_back().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in alphabet.chars().filter(|other| *other != last) {
        // The last character has bits that are not part of a byte.
        let changed = format!("{}{other}", &token[..token.len() - 1]);
        assert_eq!(desk.refuses(&changed), "TOKEN_INVALID", "{other}");
    }
    assert_eq!(desk.refuses(&format!("{token}=")), "TOKEN_INVALID");
    assert_eq!(desk.refuses(&format!("{token}==")), "TOKEN_INVALID");

    // A signature with `+` or `/` of the other alphabet.
    let (input, standard) =
        std::iter::repeat_with(|| mint.with_claim("jti", Some(json!(uuid::Uuid::new_v4()))))
            .map(|token| {
                let (input, signature) = split(&token);
                (input.to_owned(), BASE64_STANDARD_NO_PAD.encode(signature))
            })
            .find(|(_, standard)| standard.contains(['+', '/']))
            .unwrap_or((input.to_owned(), String::new()));
    assert_eq!(
        desk.refuses(&format!("{input}.{standard}")),
        "TOKEN_INVALID"
    );
}

/// Padding inside the signed part: the signature is correct, the form is not.
#[test]
fn padding_is_refused_even_when_it_is_signed() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let pad = |text: &str| match text.len() % 4 {
        0 => format!("{text}===="),
        n => format!("{text}{}", "=".repeat(4 - n)),
    };
    let header = base64(mint.header().to_string());
    let claims = base64(Mint::claims().to_string());

    for input in [
        format!("{}.{claims}", pad(&header)),
        format!("{header}.{}", pad(&claims)),
    ] {
        let signature = base64(mint.sign(&input));
        assert_eq!(
            desk.refuses(&format!("{input}.{signature}")),
            "TOKEN_INVALID"
        );
    }
}

#[test]
fn a_token_is_looked_at_up_to_4_kib() {
    let mint = Mint::ed_dsa("a");
    let desk = Desk::knowing(&[&mint]);
    let of_scope = |bytes: usize| mint.with_claim("scope", Some(json!("x".repeat(bytes))));

    let longest = (1..).map(of_scope).take_while(|token| token.len() <= 4096);
    let longest = longest.last().unwrap();

    assert!(longest.len() > 4090);
    assert!(desk.passes(&longest));
    assert_eq!(desk.refuses(&of_scope(2700)), "TOKEN_INVALID");
    let six_kib = of_scope(4500);
    assert!(six_kib.len() > 6 << 10);
    assert_eq!(desk.refuses(&six_kib), "TOKEN_INVALID");
}
