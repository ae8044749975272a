//! What people type where they have nothing to type. It says nothing about a person.

/// The part before the `@` of such an address.
const LOCAL_PARTS: [&str; 16] = [
    "-",
    "none",
    "no",
    "na",
    "n.a",
    "n-a",
    "nomail",
    "no-mail",
    "noemail",
    "no-email",
    "noreply",
    "no-reply",
    "donotreply",
    "unknown",
    "unbekannt",
    "x",
];

/// Such a name.
const NAMES: [&str; 14] = [
    "unknown",
    "unbekannt",
    "inconnu",
    "desconocido",
    "неизвестно",
    "no name",
    "noname",
    "ohne name",
    "n/a",
    "n.a.",
    "none",
    "anonymous",
    "anonym",
    "test",
];

/// Whether an address, as it is compared, is none: `none@none`, `noreply@example.com`.
pub(super) fn is_placeholder_email(identity: &str) -> bool {
    let (local, domain) = identity.rsplit_once('@').unwrap_or((identity, ""));
    let first = local.chars().next();
    let is_repeated = local.chars().count() > 2 && local.chars().all(|c| Some(c) == first);
    LOCAL_PARTS.contains(&local) || is_repeated || domain.ends_with(".invalid")
}

/// Whether digits are those of no phone: one digit again and again, or all in their order.
pub(super) fn is_placeholder_phone(digits: &str) -> bool {
    let steps = digits
        .as_bytes()
        .windows(2)
        .map(|pair| (pair[1] + 10 - pair[0]) % 10);
    let steps: Vec<u8> = steps.collect();
    steps.iter().all(|step| *step == 0) || steps.iter().all(|step| *step == 1)
}

/// Whether a name, as it is compared, is none: `Unknown`, `???`.
pub(super) fn is_placeholder_name(identity: &str) -> bool {
    NAMES.contains(&identity) || !identity.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_into_a_required_field_is_no_value() {
        for email in [
            "none@none.com",
            "noreply@example.com",
            "x@x.x",
            "a@b.invalid",
            "aaa@a.a",
        ] {
            assert!(is_placeholder_email(email), "{email}");
        }
        for phone in [
            "0000000000",
            "11111",
            "123456789",
            "0123456789",
            "1234567890",
        ] {
            assert!(is_placeholder_phone(phone), "{phone}");
        }
        for name in ["unknown", "?", "- -", "...", "n/a"] {
            assert!(is_placeholder_name(name), "{name}");
        }
    }

    #[test]
    fn what_somebody_has_is_a_value() {
        for email in [
            "ada@example.com",
            "7@example.com",
            "xx@example.com",
            "info@example.com",
        ] {
            assert!(!is_placeholder_email(email), "{email}");
        }
        for phone in ["12345670", "4930123456", "0012345", "110000000"] {
            assert!(!is_placeholder_phone(phone), "{phone}");
        }
        for name in ["ada", "7", "नमस्ते", "🙂 o"] {
            assert!(!is_placeholder_name(name), "{name}");
        }
    }
}
