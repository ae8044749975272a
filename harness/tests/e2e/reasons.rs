//! The enum of the protos lists every reason of an error, and no reason that no call returns.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chassis::status::CODES;
use harness::reference::pool;
use prost_reflect::DescriptorPool;

use crate::stack::workspace;

/// Codes that are reasons, too.
const BOTH: [&str; 2] = ["INTERNAL", "DEADLINE_EXCEEDED"];

/// Words of SQL, filters, keys and tokens in the code.
const OTHER_WORDS: [&str; 30] = [
    "AND", "OR", "NOT", "FALSE", "GET", "POST", "BEGIN", "COMMIT", "ROLLBACK", "LISTEN", "SELECT",
    "INSERT", "UPDATE", "DELETE", "FROM", "INTO", "JOIN", "USING", "OKP", "EC", "ES256", "JWT",
    "UTC", "OUT_DIR", "IHDR", "PLTE", "IDAT", "IEND", "ANIM", "ANMF",
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

/// The reasons that the protos list.
fn listed(pool: &DescriptorPool) -> BTreeSet<String> {
    let kind = pool.get_enum_by_name("addressbook.errors.v1.ErrorReason");
    let kind = kind.unwrap();
    // The first one is never sent.
    let values = kind.values().skip(1);
    values.map(|value| value.name().to_owned()).collect()
}

/// The reasons that comments name: each follows a code, as in `NOT_FOUND` `USER_NOT_FOUND`,
/// possibly with others.
fn in_comments() -> BTreeSet<(String, String)> {
    let mut texts = Vec::new();
    files(&workspace().join("proto/addressbook"), "proto", &mut texts);
    let mut reasons = BTreeSet::new();
    for text in texts {
        let words = text.replace("//", " ");
        let mut code = None;
        for word in words.split_whitespace() {
            let name = word.trim_matches([',', ':', ';', '.', ')', '(']);
            let quoted = name
                .strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'));
            match (quoted, code) {
                (Some(reason), Some(code)) if is_capitals(reason) => {
                    reasons.insert((reason.to_owned(), String::from(code)));
                }
                (Some(_), _) => {}
                (None, _) if name == "and" || name == "or" => {}
                (None, _) => code = CODES.contains(&name).then_some(name),
            }
        }
    }
    reasons
}

#[test]
fn the_reasons_of_the_code_are_those_of_the_enum() {
    let (code, listed) = (in_code(), listed(&pool().unwrap()));

    let unlisted: Vec<_> = code.difference(&listed).collect();
    let unused: Vec<_> = listed.difference(&code).collect();

    assert!(code.len() > 80, "{code:?}");
    assert!(unlisted.is_empty(), "add to reason.proto: {unlisted:?}");
    assert!(unused.is_empty(), "no call is refused with it: {unused:?}");
}

/// That calls fail with these codes only is asserted where an error is made, in builds with
/// debug assertions.
#[test]
fn comments_name_reasons_with_their_codes() {
    let pool = pool().unwrap();
    let codes = pool.get_enum_by_name("google.rpc.Code").unwrap();
    let named = in_comments();

    assert!(named.len() > 100, "{named:?}");
    for (reason, code) in named {
        let number = codes.get_value_by_name(&code).unwrap().number();
        let is_listed = proto::errors::is_listed(&reason, number);
        assert!(is_listed, "reason.proto has no {reason} with {code}");
    }
}
