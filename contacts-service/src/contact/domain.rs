//! Internationalized domain names (RFC 5890): as they are displayed and as they are sent.

/// The text with the domains of `xn--` as they are displayed.
#[must_use]
pub fn with_unicode_domains(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut plain = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(found) = lower[rest..].find("xn--") {
        let start = rest + found;
        let is_start = !text[..start].ends_with(is_domain_char);
        let length = text[start..].find(|c: char| !is_domain_char(c));
        let end = length.map_or(text.len(), |length| start + length);
        plain.push_str(&text[rest..start]);
        let label = &text[start..end];
        match idna::domain_to_unicode(label) {
            (shown, Ok(())) if is_start => plain.push_str(&shown),
            _ => plain.push_str(label),
        }
        rest = end;
    }
    plain.push_str(&text[rest..]);
    plain
}

fn is_domain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// An e-mail address with its domain as it is sent (`xn--`); `None` if that is the same.
#[must_use]
pub fn with_ascii_domain(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    if domain.is_ascii() {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    Some(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_sent_in_ascii() {
        let sent = |address| with_ascii_domain(address);
        let ascii = "user@xn--mnchen-3ya.example";
        assert_eq!(sent("user@münchen.example").as_deref(), Some(ascii));
        assert_eq!(sent("user@MÜNCHEN.example").as_deref(), Some(ascii));
        assert_eq!(sent("user@example.com"), None);
        assert_eq!(sent("user"), None);
    }
}
