//! The Rust files of the repository, and what they depend on.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::crates::CRATES;

pub(crate) struct Source {
    /// From the root, as `auth-service/src/main.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn krate(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(&format!("{}/{folder}", self.krate()))
    }

    /// Part of a program, not of its tests.
    pub(crate) fn ships(&self) -> bool {
        self.is_in("src/") && self.krate() != "testing"
    }

    /// Lines of code with their numbers; no comments, no unit tests.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.split("#[cfg(test)]\nmod ").next();
        let lines = code.unwrap_or_default().lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn collect(folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, sources);
            }
        } else if Path::new(&name).extension().is_some_and(|is| is == "rs") {
            let text = read(&path);
            sources.push(Source { path, text });
        }
    }
}

/// Every Rust file.
pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for krate in CRATES {
        collect(krate, &mut sources);
    }
    assert!(sources.len() > 100);
    sources
}

/// Every Rust file except these ones, which name what they forbid.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = all();
    sources.retain(|source| !source.path.starts_with("harness/tests/tidy/"));
    sources
}

/// Whether the line contains `word` as a whole word.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

/// Fails with the places where a file contains one of `words` that it must not contain.
pub(crate) fn forbid(words: &[&str], where_not: impl Fn(&Source) -> bool, why: &str) {
    let mut found = String::new();
    for source in sources().iter().filter(|source| where_not(source)) {
        for (at, line) in source.code() {
            if words.iter().any(|word| has_word(line, word)) {
                writeln!(found, "{}:{at}: {}", source.path, line.trim()).unwrap();
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{found}");
}

/// The crates of ours that a crate depends on, for tests too if `dev`.
pub(crate) fn dependencies(krate: &str, dev: bool) -> Vec<&'static str> {
    let manifest = read(&format!("{krate}/Cargo.toml"));
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let counts = match section {
            "[dev-dependencies]" => dev,
            _ => section.ends_with("dependencies]"),
        };
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        found.extend(CRATES.into_iter().filter(|krate| counts && *krate == name));
    }
    found.sort_unstable();
    found
}
