//! Texts as people paste them: addresses with names and punctuation, URIs, domains as they
//! are sent.

use std::borrow::Cow;

use crate::contact::domain::with_unicode_domains;

/// What a pasted text is about: the address of `Name <address>`, and of a URI what its
/// scheme names. Any other text stays as it is.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.trim();
    let text = in_angle_brackets(text).unwrap_or(text);
    let named = of_uri(text).map_or_else(|| decoded(text).unwrap_or(text.into()), Cow::from);
    with_unicode_domains(&named)
}

/// An address without what surrounds it in a text: quotes, brackets, punctuation at its end,
/// and a name in parentheses.
#[must_use]
pub fn bare_address(text: &str) -> &str {
    const PAIRS: [(char, char); 7] = [
        ('<', '>'),
        ('(', ')'),
        ('[', ']'),
        ('"', '"'),
        ('\'', '\''),
        ('\u{201c}', '\u{201d}'),
        ('\u{201e}', '\u{201c}'),
    ];
    let mut bare = text.trim();
    if let Some((address, name)) = bare.split_once(" (")
        && name.ends_with(')')
    {
        bare = address;
    }
    loop {
        let inner = bare.trim_end_matches([',', ';', '.', ':']).trim();
        let unquoted = PAIRS.iter().find_map(|(open, close)| {
            let inner = inner.strip_prefix(*open)?;
            inner.strip_suffix(*close)
        });
        let inner = unquoted.unwrap_or(inner);
        if inner.is_empty() || inner == bare {
            return bare;
        }
        bare = inner;
    }
}

/// The address in `Name <address>`, or the first one of several.
fn in_angle_brackets(text: &str) -> Option<&str> {
    let end = text.trim_end_matches([',', ';', '.', ' ']);
    if !end.ends_with('>') {
        return None;
    }
    let (_, rest) = text.split_once('<')?;
    let (address, _) = rest.split_once('>')?;
    let address = address.trim();
    let is_one = !address.is_empty() && !address.contains(char::is_whitespace);
    is_one.then_some(address)
}

/// What a URI names: the first address of `mailto:`, the number of `tel:` and its like, the
/// account of `sip:` and its like.
fn of_uri(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches('/');
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = decoded(rest).unwrap_or(rest.into());
    let named = match &*scheme.to_ascii_lowercase() {
        "mailto" => rest.split([',', ';']).next()?,
        "tel" | "sms" | "callto" | "fax" => rest.split([';', ',']).next()?,
        "sip" | "sips" => {
            let account = rest.split(';').next()?;
            // The part before the @ may be a number.
            let user = account.split('@').next()?;
            let is_number = user
                .chars()
                .all(|c| c.is_ascii_digit() || "+-.()".contains(c));
            if is_number { user } else { account }
        }
        "xmpp" | "skype" => &*rest,
        _ => return None,
    };
    let named = named.trim();
    (!named.is_empty()).then(|| named.to_owned())
}

/// The text without the percent-encoding of URLs; `None` if it is not encoded. A `%` that
/// encodes only itself means itself.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') || text.contains(char::is_whitespace) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let (hex, after) = after.split_at_checked(2)?;
            let hex = std::str::from_utf8(hex).ok()?;
            let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            bytes.push(u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    let plain = String::from_utf8(bytes).ok()?;
    let is_needed = |c: char| " @+\"<>".contains(c) || !c.is_ascii();
    let has_more = plain.matches(is_needed).count() > text.matches(is_needed).count();
    let is_text = !plain.contains(char::is_control);
    (has_more && is_text).then(|| plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_is_about_its_address_or_number() {
        for (pasted, expected) in [
            ("Eva Klein <eva@example.com>", "eva@example.com"),
            ("\"Klein, Eva\" <eva@example.com>", "eva@example.com"),
            ("<eva@example.com>", "eva@example.com"),
            ("Eva <eva@example.com>,", "eva@example.com"),
            (
                "Eva <eva@example.com>; Ada <ada@example.com>",
                "eva@example.com",
            ),
            (
                "mailto:eva@example.com?subject=Hi%20there&body=x",
                "eva@example.com",
            ),
            ("MAILTO:eva%40example.com", "eva@example.com"),
            ("<mailto:eva@example.com>", "eva@example.com"),
            ("mailto:eva@example.com,ada@example.com", "eva@example.com"),
            ("tel:+49-30-1234567;ext=5", "+49-30-1234567"),
            ("tel:030-1234567;phone-context=+49", "030-1234567"),
            ("sms:+49301234567?body=x", "+49301234567"),
            ("sip:eva@example.com;transport=udp", "eva@example.com"),
            ("sip:+49301234567@provider.example", "+49301234567"),
            ("xmpp:eva@example.com?message", "eva@example.com"),
            ("eva%40example.com", "eva@example.com"),
            ("Eva%20M%C3%BCller", "Eva Müller"),
            ("user@xn--mnchen-3ya.example", "user@münchen.example"),
            ("user@XN--MNCHEN-3YA.example", "user@münchen.example"),
            ("user@mail.xn--bcher-kva.xn--p1ai", "user@mail.bücher.рф"),
            // Others stay as they are.
            ("Eva Klein", "Eva Klein"),
            ("100%25", "100%25"),
            ("100% sure", "100% sure"),
            ("50%zz", "50%zz"),
            ("%FF%40", "%FF%40"),
            ("a < b > c", "a < b > c"),
            ("if a<b then c>", "if a<b then c>"),
            ("note: x", "note: x"),
            ("mailto:", "mailto:"),
            ("xn--", "xn--"),
            ("axn--mnchen-3ya", "axn--mnchen-3ya"),
            ("xn--mnchen", "xn--mnchen"),
        ] {
            assert_eq!(plain(pasted), expected, "{pasted}");
        }
    }

    #[test]
    fn an_address_loses_what_surrounds_it() {
        for pasted in [
            "eva@example.com,",
            "eva@example.com;",
            " eva@example.com. ",
            "<eva@example.com>",
            "(eva@example.com)",
            "\"eva@example.com\"",
            "'eva@example.com',",
            "\u{201c}eva@example.com\u{201d}",
            "[eva@example.com];",
            "eva@example.com (Eva Klein)",
        ] {
            assert_eq!(bare_address(pasted), "eva@example.com", "{pasted}");
        }
        assert_eq!(
            bare_address("\"eva k\"@example.com"),
            "\"eva k\"@example.com"
        );
        assert_eq!(bare_address(","), ",");
    }
}
