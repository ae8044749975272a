//! E-mail addresses, and their normalized form.

use std::borrow::Cow;
use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

/// What is wrong with an address, as a predicate: "has no @".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EmailError(&'static str);

/// A normalised address: NFC, trimmed, lower case, the domain in its ASCII
/// (IDNA, UTS 46) form. Two addresses that differ only in these are one.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    at: usize,
}

impl Email {
    /// The longest normalised address, in bytes (RFC 5321 section 4.5.3.1.3);
    /// the table's CHECK says the same.
    pub const BYTES_MAX: usize = 254;
    /// The longest local part, in bytes (RFC 5321 section 4.5.3.1.1).
    pub const LOCAL_BYTES_MAX: usize = 64;

    /// Normalizes an address, or returns what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        Self::normalise(text).map_err(EmailError)
    }

    fn normalise(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        // Normalizing never makes an address four times shorter, so a longer text is
        // refused before that work.
        if text.len() > 4 * Self::BYTES_MAX {
            return Err("must have at most 254 bytes");
        }
        let (local, domain) = text.rsplit_once('@').ok_or("has no @")?;
        let local = normalise_local(local)?;
        let domain = normalise_domain(domain)?;
        let at = local.len();
        let text = format!("{local}@{domain}");
        if text.len() > Self::BYTES_MAX {
            return Err("must have at most 254 bytes");
        }
        Ok(Self { text, at })
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }
}

/// Personal data has no place in a log.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

fn normalise_local(local: &str) -> Result<String, &'static str> {
    // Normalized twice, because lower case can break NFC.
    let local: String = local
        .nfc()
        .collect::<String>()
        .to_lowercase()
        .nfc()
        .collect();
    if local.is_empty() {
        return Err("has nothing before the @");
    }
    if local.len() > Email::LOCAL_BYTES_MAX {
        return Err("must have at most 64 bytes before the @");
    }
    if local.contains('@') {
        return Err("has more than one @");
    }
    if local.chars().any(is_refused) {
        return Err("contains a character that is not allowed");
    }
    if local.split('.').any(str::is_empty) {
        return Err("has a misplaced dot before the @");
    }
    Ok(local)
}

/// Spaces, control characters, characters that need quotes (RFC 5322 section 3.2.3), and
/// invisible ones, with which one address could look like another.
fn is_refused(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || "\"(),:;<>[\\]".contains(c)
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffd}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn normalise_domain(domain: &str) -> Result<Cow<'_, str>, &'static str> {
    let domain = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| "has no domain name after the @")?;
    // A top-level domain has a letter (RFC 3696 section 2), which excludes IPv4
    // addresses.
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("has no domain name after the @");
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        Email::normalise(text).unwrap().text
    }

    #[test]
    fn spellings_of_one_address_are_one() {
        assert_eq!(normal(" Ada@Example.ORG "), "ada@example.org");
        assert_eq!(
            normal("MU\u{308}LLER@example.org"),
            normal("müller@example.org")
        );
        assert_eq!(normal("ada@bücher.example"), "ada@xn--bcher-kva.example");
        assert_eq!(
            normal("ada@BU\u{308}CHER.example"),
            normal("ada@xn--bcher-kva.example")
        );
        assert_eq!(normal("ada@example。org"), "ada@example.org");
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in [
            "İ@x.org",
            "ΣΑΣ@x.org",
            "ǅ@ẞ.example",
            "a+b@x",
            "o'neil@x.org",
        ] {
            let once = normal(text);
            assert_eq!(normal(&once), once);
        }
    }

    #[test]
    fn the_local_part_ends_at_the_at() {
        assert_eq!(Email::parse("Ada.L@example.org").unwrap().local(), "ada.l");
    }

    #[test]
    fn text_that_is_not_an_address_is_refused() {
        let long_local = format!("{}@x.org", "a".repeat(65));
        let long_label = format!("a@{}.org", "x".repeat(64));
        let long_total = format!("{}@{}", "a".repeat(64), vec!["x".repeat(60); 4].join("."));
        let huge = format!("{}@x.org", "a".repeat(100_000));
        for text in [
            "",
            " ",
            "ada",
            "@",
            "@x.org",
            "ada@",
            "a@b@x.org",
            "a b@x.org",
            "a\0@x.org",
            "a\n@x.org",
            "a@x\n.org",
            "a@x org",
            "a@x\0",
            "a@-x.org",
            "a@x-.org",
            "a@x..org",
            "a@.x.org",
            "a@x.org.",
            "a@x_y.org",
            "a@[1.2.3.4]",
            "a@1.2.3.4",
            ".a@x.org",
            "a.@x.org",
            "a..b@x.org",
            "\"a\"@x.org",
            "<a@x.org>",
            "a\u{200b}@x.org",
            "a\u{202e}@x.org",
            "a@xn--a",
            "a@x,y.org",
            &long_local,
            &long_label,
            &long_total,
            &huge,
        ] {
            assert!(Email::normalise(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_longest_address_is_accepted() {
        let text = format!(
            "{}@{}.{}.{}.org",
            "a".repeat(64),
            "x".repeat(63),
            "y".repeat(63),
            "z".repeat(57)
        );
        assert_eq!(text.len(), 254);
        assert_eq!(normal(&text), text);
        assert!(Email::normalise(&text.replace("@x", "@xz")).is_err());
    }

    #[test]
    fn an_address_is_not_printed() {
        assert_eq!(
            format!("{:?}", Email::parse("ada@x.org").unwrap()),
            "Email(..)"
        );
    }
}
