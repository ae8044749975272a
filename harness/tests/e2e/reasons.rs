//! Every reason of an error is documented for client authors, and no reason is documented
//! that no call returns.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chassis::status::CODES;

use crate::stack::workspace;

/// Codes that are reasons, too.
const BOTH: [&str; 2] = ["INTERNAL", "DEADLINE_EXCEEDED"];

/// Words of SQL, filters, keys and tokens in the code.
const OTHER_WORDS: [&str; 22] = [
    "AND", "OR", "NOT", "FALSE", "GET", "POST", "BEGIN", "COMMIT", "ROLLBACK", "LISTEN", "OKP",
    "EC", "ES256", "JWT", "UTC", "OUT_DIR", "IHDR", "PLTE", "IDAT", "IEND", "ANIM", "ANMF",
];

/// The texts of all files with this ending under a folder.
fn files(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|is| is == ending) {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

fn is_capitals(word: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    word.len() > 1
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && !word.ends_with('_')
        && word.bytes().all(is_in)
}

/// Words in capitals between two of these marks.
fn marked(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).filter(|word| is_capitals(word))
}

/// The reasons in the code that ships.
fn in_code() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for krate in [
        "chassis",
        "proto",
        "wires",
        "auth-service",
        "contacts-service",
    ] {
        files(&workspace().join(krate).join("src"), "rs", &mut sources);
    }
    let mut reasons = BTreeSet::new();
    for source in &sources {
        let code = source.split("#[cfg(test)]\nmod ").next().unwrap();
        let is_code = |line: &&str| {
            let line = line.trim_start();
            !line.starts_with("//") && !line.starts_with("#[arg") && !line.contains("env!(")
        };
        for line in code.lines().filter(is_code) {
            reasons.extend(marked(line, '"').map(str::to_owned));
        }
    }
    let codes = CODES.iter().filter(|code| !BOTH.contains(code));
    for word in codes.chain(&OTHER_WORDS) {
        reasons.remove(*word);
    }
    reasons
}

/// The documented reasons: each follows a code, as in `NOT_FOUND` `USER_NOT_FOUND`,
/// possibly with others, or is in the first two cells of a row.
fn in_documents() -> BTreeSet<String> {
    let mut texts = Vec::new();
    files(&workspace().join("proto/addressbook"), "proto", &mut texts);
    texts.push(fs::read_to_string(workspace().join("docs/ERRORS.md")).unwrap());
    let mut reasons = BTreeSet::new();
    for text in texts {
        let words = text.replace("//", " ").replace('|', " ");
        let words: Vec<_> = words.split_whitespace().collect();
        let mut follows_code = false;
        for word in words {
            let name = word.trim_matches([',', ':', ';', '.', ')', '(']);
            match name
                .strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'))
            {
                Some(reason) if follows_code && is_capitals(reason) => {
                    reasons.insert(reason.to_owned());
                }
                Some(_) => {}
                None if name == "and" || name == "or" => {}
                None => follows_code = name == "any" || CODES.contains(&name),
            }
        }
    }
    reasons
}

#[test]
fn every_reason_is_told_and_none_that_there_is_not() {
    let (code, documents) = (in_code(), in_documents());

    let untold: Vec<_> = code.difference(&documents).collect();
    let unknown: Vec<_> = documents.difference(&code).collect();

    assert!(code.len() > 80, "{code:?}");
    assert!(
        untold.is_empty(),
        "say what it means beside its RPC or in docs/ERRORS.md: {untold:?}"
    );
    assert!(
        unknown.is_empty(),
        "no call is refused with it: {unknown:?}"
    );
}
