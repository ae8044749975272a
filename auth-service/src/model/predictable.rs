//! Predictable passwords that are not on the list: repeated units, and runs of a
//! keyboard.

use zeroize::Zeroizing;

/// The longest unit that is looked for when a password repeats one.
const UNIT_CHARS_MAX: usize = 6;

/// A password with this many runs or fewer is predictable, such as `abcdef123456`.
const RUNS_MAX: usize = 2;

/// The rows of characters that people type along. After the end a row begins again.
const ROWS: [&str; 3] = [
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
];

/// Whether a password, ignoring case, repeats a short unit, or consists of one or two
/// runs: along a row, along the code points, or of one character.
#[must_use]
pub fn is_predictable(password: &str) -> bool {
    let folded: Zeroizing<Vec<char>> =
        Zeroizing::new(password.chars().flat_map(char::to_lowercase).collect());
    repeats(&folded) || runs(&folded) <= RUNS_MAX
}

/// Whether a text that should be random consists of runs of four or more characters on
/// average, like a zero-padded counter.
#[must_use]
pub fn is_counted_up(text: &str) -> bool {
    let text: Vec<char> = text.chars().filter(|c| *c != '-').collect();
    runs(&text) * 4 <= text.len()
}

fn repeats(text: &[char]) -> bool {
    let longest = UNIT_CHARS_MAX.min(text.len() / 2);
    // The last unit may be incomplete.
    (1..=longest).any(|unit| text[unit..] == text[..text.len() - unit])
}

/// The number of runs of the text, each as long as possible.
fn runs(text: &[char]) -> usize {
    let mut rest = text;
    let mut count = 0;
    while !rest.is_empty() {
        rest = &rest[longest_run(rest)..];
        count += 1;
    }
    count
}

fn longest_run(text: &[char]) -> usize {
    let by_code = [0, 1, -1].map(|step| run(text, |a, b| code(a) + step == code(b)));
    let by_row = ROWS.map(|row| {
        let up = run(text, |a, b| follows(row, a, b));
        up.max(run(text, |a, b| follows(row, b, a)))
    });
    by_code.into_iter().chain(by_row).max().unwrap_or(1)
}

/// The length of the run from the first character on.
fn run(text: &[char], goes_on: impl Fn(char, char) -> bool) -> usize {
    let pairs = text.windows(2);
    1 + pairs.take_while(|pair| goes_on(pair[0], pair[1])).count()
}

fn code(character: char) -> i64 {
    i64::from(u32::from(character))
}

/// Whether `b` is next to `a` in the row; the first character comes after the last.
fn follows(row: &str, a: char, b: char) -> bool {
    let (Some(a), Some(b)) = (row.find(a), row.find(b)) else {
        return false;
    };
    (a + 1) % row.len() == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_units_are_predictable() {
        for password in [
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "123412341234",
            "AbCaBcAbCaBcAb",
            "x7!x7!x7!x7!",
            "ottersotters",
            "ääääääääääää",
            "🦦🦦🦦🦦🦦🦦🦦🦦🦦🦦🦦🦦",
            &"7q".repeat(512),
        ] {
            assert!(is_predictable(password), "{password}");
        }
    }

    #[test]
    fn runs_are_predictable() {
        for password in [
            "abcdefghijkl",
            "ZYXWVUTSRQPONM",
            "123456789012",
            "012345678901",
            "098765432109",
            "qwertyuiopas",
            "asdfghjklzxcvbnm",
            "poiuytrewq12",
            "abcdef123456",
            "aaaaaabbbbbb",
            "aaaaaaaaaaab",
            "абвгдежзийкл",
        ] {
            assert!(is_predictable(password), "{password}");
        }
    }

    #[test]
    fn others_are_not() {
        for password in [
            "harbour-lantern-48",
            "the otter naps at noon",
            "kx0-f7a-p2q9",
            "hunter2hunter3",
            "lanternlantern",
            "abcd-1234-efgh",
        ] {
            assert!(!is_predictable(password), "{password}");
        }
    }
}
