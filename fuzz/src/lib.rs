//! The checks of the tests of card-formats, for the targets.

#![allow(clippy::unwrap_used, reason = "a target should panic where it fails")]

#[path = "../../card-formats/tests/reading/mod.rs"]
mod reading;

/// Checks the input of a target.
pub fn run(target: &str, input: &[u8]) {
    let mut targets = reading::anything::TARGETS.into_iter();
    let (_, check) = targets.find(|(name, _)| *name == target).unwrap();
    check(input);
}
