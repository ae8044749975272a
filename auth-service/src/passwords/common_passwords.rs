//! The most common passwords. `data/NOTICE` has the source and the licences of the list.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Lower case, sorted by bytes, one per line.
const LIST: &str = include_str!("../../data/common-passwords.txt");

static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| LIST.lines().collect());

/// Whether a password is on the list, in whatever case.
#[must_use]
pub fn contains(password: &str) -> bool {
    let folded: Zeroizing<String> = Zeroizing::new(password.to_lowercase().nfc().collect());
    LINES.binary_search(&folded.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwords::Password;

    #[test]
    fn the_list_is_sorted_folded_and_long_enough_to_matter() {
        assert!(LINES.len() > 5000);
        assert!(LINES.is_sorted_by(|a, b| a < b));
        for line in LINES.iter() {
            assert!(line.chars().count() >= Password::CHARS_MIN, "{line}");
            assert!(contains(line), "{line}");
        }
    }

    #[test]
    fn a_listed_password_is_found_in_any_case() {
        assert!(contains("passwordpassword"));
        assert!(contains("QWERTYuiop123"));
        assert!(!contains("harbour-lantern-48"));
    }
}
