//! The protos mark the fields that are secret; nothing else lists them.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind};
use proto::auth::v1::complete_mfa_request::Code;
use proto::auth::v1::{CompleteMfaRequest, SignUpRequest};

fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let mark = options.get_field_by_name("debug_redact").unwrap();
    mark.as_bool().unwrap()
}

#[test]
fn fields_with_the_name_of_a_secret_are_marked() {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let messages = pool.all_messages();
    let ours = messages.filter(|message| message.package_name().starts_with("addressbook.auth"));
    let fields = ours.flat_map(|message| message.fields().collect::<Vec<_>>());
    let sounds_secret = |name: &str| {
        let words = ["password", "secret", "token", "code", "codes", "otpauth"];
        let is_open = ["page_token", "next_page_token", "token_type"].contains(&name);
        // Of `totp_code`, the last word, of `otpauth_uri` the first one.
        !is_open && name.split('_').any(|word| words.contains(&word))
    };
    let (mut marked, mut missing) = (0, Vec::new());
    for field in fields.filter(|field| field.kind() == Kind::String) {
        if is_secret(&field) {
            marked += 1;
        } else if sounds_secret(field.name()) {
            missing.push(field.full_name().to_owned());
        }
    }
    assert_eq!(missing, [""; 0]);
    assert!(marked > 30, "{marked}");
}

#[test]
fn a_message_with_a_secret_prints_only_its_name() {
    let request = SignUpRequest {
        email: "ada@example.com".into(),
        password: "harbour-lantern-48".into(),
        ..SignUpRequest::default()
    };
    assert_eq!(format!("{request:?}"), "SignUpRequest { .. }");
    let code = Code::TotpCode("123456".into());
    assert_eq!(format!("{code:?}"), "TotpCode(..)");
    let request = CompleteMfaRequest {
        code: Some(code),
        ..CompleteMfaRequest::default()
    };
    assert_eq!(format!("{request:?}"), "CompleteMfaRequest { .. }");
}
