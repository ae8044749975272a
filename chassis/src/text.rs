//! Text from the wire.

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// Returns `text` in NFC without surrounding spaces, or what is wrong with it: a control
/// character, or more than `chars_max` characters.
pub fn single_line(text: &str, chars_max: usize) -> Result<String, String> {
    let text = normalized(text, chars_max)?;
    if text.chars().any(char::is_control) {
        return Err("must not contain a control character".into());
    }
    Ok(text)
}

/// Like [`single_line`], but line breaks and tabs are allowed.
pub fn multi_line(text: &str, chars_max: usize) -> Result<String, String> {
    let text = normalized(text, chars_max)?;
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err("must not contain a control character".into());
    }
    Ok(text)
}

/// Parses an id as the services write it, a UUID with hyphens, or returns what is wrong
/// with it. Other forms of the same UUID are refused, because clients may compare ids as
/// texts.
pub fn uuid(text: &str) -> Result<Uuid, &'static str> {
    const CHARS: usize = 36;
    let id = Uuid::try_parse(text).ok();
    id.filter(|_| text.len() == CHARS)
        .ok_or("must be a UUID with hyphens")
}

fn normalized(text: &str, chars_max: usize) -> Result<String, String> {
    let text: String = text.trim().nfc().collect();
    if text.chars().count() > chars_max {
        return Err(format!("must have at most {chars_max} characters"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decomposed_letter_is_composed() {
        assert_eq!(single_line(" Mu\u{308}ller ", 6).unwrap(), "Müller");
    }

    #[test]
    fn an_id_has_one_form() {
        let id = "0198c0de-0000-7000-8000-00000000000a";
        assert_eq!(uuid(id).unwrap().to_string(), id);
        for other in [
            "",
            " 0198c0de-0000-7000-8000-00000000000a",
            "0198c0de00007000800000000000000a",
            "{0198c0de-0000-7000-8000-00000000000a}",
            "urn:uuid:0198c0de-0000-7000-8000-00000000000a",
            "0198c0de-0000-7000-8000-00000000000g",
        ] {
            assert!(uuid(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_control_character_is_refused() {
        for text in ["a\0b", "a\nb", "a\u{85}b", "a\u{7f}b"] {
            assert_eq!(
                single_line(text, 10).unwrap_err(),
                "must not contain a control character"
            );
        }
    }

    #[test]
    fn multi_line_text_may_have_line_breaks() {
        assert_eq!(multi_line("a\r\n\tb", 10).unwrap(), "a\r\n\tb");
        assert!(multi_line("a\0b", 10).is_err());
    }

    #[test]
    fn a_text_over_its_limit_is_refused() {
        assert!(single_line(&"ä".repeat(10), 10).is_ok());
        assert!(single_line(&"ä".repeat(11), 10).is_err());
    }
}
