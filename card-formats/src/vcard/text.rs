//! The texts of vCards: escapes, encodings and folds.

/// Splits at a separator that is not escaped; the parts keep their escapes.
pub(crate) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == separator {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Resolves escapes. A backslash before any other character means itself, as in the paths
/// of Windows that vCard 2.1 does not escape.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match next.filter(|_| c == '\\') {
            Some('n' | 'N') => out.push('\n'),
            Some(escaped @ ('\\' | ',' | ';' | ':' | '"')) => out.push(escaped),
            _ => {
                out.push(c);
                continue;
            }
        }
        chars.next();
    }
    out
}

/// Escapes a text, or a component of a structured one.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => {}
            _ => out.push(c),
        }
    }
    out
}

/// A text for a field of one line: control characters are spaces.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.trim().to_owned()
}

/// A text for a field of many lines, which end with a line feed.
pub(crate) fn many_lines(text: &str) -> String {
    let text = one_kind_of_break(text);
    let text = text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), " ");
    text.trim().to_owned()
}

/// A text whose lines end with a line feed.
pub(super) fn one_kind_of_break(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Escapes the line breaks of a text that has its other escapes.
pub(super) fn escape_breaks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_escaped = false;
    for c in text.chars() {
        if c == '\n' {
            // Alone, a backslash would escape the one of the break.
            out.push_str(if is_escaped { "\\\\n" } else { "\\n" });
        } else {
            out.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    out
}

/// Cuts a text that has too many characters. Returns whether it had.
pub(crate) fn cut(text: &mut String, chars_max: usize) -> bool {
    // A byte is a character at most.
    if text.len() <= chars_max {
        return false;
    }
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => {
            text.truncate(at);
            text.truncate(text.trim_end().len());
            true
        }
        None => false,
    }
}

/// Decodes quoted-printable; what is not encoded right means itself.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| match bytes.get(at)? {
        byte @ b'0'..=b'9' => Some(byte - b'0'),
        byte @ b'A'..=b'F' => Some(byte - b'A' + 10),
        byte @ b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high << 4) | low);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Appends a property as lines of at most 75 octets, none of which ends inside a character.
pub(super) fn fold(line: &str, out: &mut Vec<u8>) {
    const OCTETS: usize = 75;
    let mut rest = line;
    let mut room = OCTETS;
    while rest.len() > room {
        let mut at = rest.floor_char_boundary(room);
        // At the end of a line, it would be a soft break of quoted-printable.
        let is_text = |byte: &u8| *byte != b'=';
        if let Some(last) = rest.as_bytes()[..at].iter().rposition(is_text) {
            at = last + 1;
        }
        out.extend_from_slice(&rest.as_bytes()[..at]);
        out.extend_from_slice(b"\r\n ");
        rest = &rest[at..];
        room = OCTETS - 1;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back() {
        for text in ["", "a", "a\\", "a,b;c\nd\\n", "\\\\", "C:\\new", "ä\n\n"] {
            assert_eq!(unescape(&escape(text)), text);
            assert_eq!(split(&escape(text), ';').len(), 1, "{text}");
            assert_eq!(split(&escape(text), ',').len(), 1, "{text}");
        }
        assert_eq!(unescape("a\\x\\"), "a\\x\\");
        assert_eq!(split("a\\;b;c\\\\;d", ';'), ["a\\;b", "c\\\\", "d"]);
    }

    #[test]
    fn no_line_is_over_75_octets_or_ends_inside_a_character() {
        for text in [
            "x".repeat(200),
            "ä".repeat(200),
            "🦀".repeat(60),
            "x".into(),
            "=41".repeat(60),
            "=".repeat(200),
        ] {
            let mut out = Vec::new();
            fold(&text, &mut out);

            let out = String::from_utf8(out).unwrap();
            assert!(out.split("\r\n").all(|line| line.len() <= 75));
            assert_eq!(out.replace("\r\n ", ""), format!("{text}\r\n"));
        }
    }

    #[test]
    fn quoted_printable_is_decoded_as_far_as_it_is() {
        assert_eq!(
            quoted_printable(b"M=C3=bcller=3D=0A"),
            "Müller=\n".as_bytes()
        );
        assert_eq!(quoted_printable(b"=4=G1=41="), b"=4=G1A=");
    }
}
