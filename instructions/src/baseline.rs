//! The stored counts, one line each: the name and the instructions of a call.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::{fs, io};

use crate::hot::Hot;

pub(crate) const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

/// A count may exceed the stored one by so many percent.
const MOST_PERCENT: u64 = 110;

pub(crate) type Kept = BTreeMap<String, u64>;

pub(crate) fn read() -> io::Result<Kept> {
    Ok(parse(&fs::read_to_string(FILE)?))
}

fn parse(text: &str) -> Kept {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
        .collect()
}

pub(crate) fn write(counts: &[(Hot, u64)]) -> io::Result<()> {
    let line = |(hot, count): &(Hot, u64)| format!("{} {count}\n", hot.name());
    fs::write(FILE, counts.iter().map(line).collect::<String>())
}

/// Returns a table, and whether each function has a stored count and is within its limit.
pub(crate) fn compare(counts: &[(Hot, u64)], kept: &Kept) -> (String, bool) {
    let mut table = format!("{:<16} {:>12} {:>12}\n", "function", "kept", "now");
    let mut is_good = true;
    for (hot, now) in counts {
        let before = kept.get(hot.name()).copied().unwrap_or_default();
        let is_within = now * 100 <= before * MOST_PERCENT;
        let verdict = if is_within { "" } else { "  over 10 % more" };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{:<16} {before:>12} {now:>12}{verdict}", hot.name());
        is_good &= is_within;
    }
    (table, is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(count: u64) -> Kept {
        Kept::from([(Hot::Fold.name().to_owned(), count)])
    }

    #[test]
    fn ten_percent_more_are_within_the_limit_and_eleven_are_not() {
        assert!(compare(&[(Hot::Fold, 1100)], &kept(1000)).1);
        assert!(!compare(&[(Hot::Fold, 1101)], &kept(1000)).1);
    }

    #[test]
    fn a_function_that_is_not_kept_is_told() {
        assert!(!compare(&[(Hot::Fold, 1)], &Kept::new()).1);
    }

    #[test]
    fn every_function_is_kept_and_no_other() {
        let mut names = Hot::ALL.map(Hot::name);
        names.sort_unstable();

        assert!(read().unwrap().keys().eq(names));
    }
}
