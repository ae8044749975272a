//! The words of the documents, the protos and the comments: phrases that a reader has to
//! read twice are refused. A test of our own needs no tool to be installed.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

#[path = "tidy/crates.rs"]
mod crates;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crates::CRATES;

/// A phrase that is not to be used.
struct Rule {
    /// In lower case, as whole words.
    phrase: &'static str,
    /// Phrases that contain it and are fine.
    except: &'static [&'static str],
    /// What to write instead.
    instead: &'static str,
    why: &'static str,
}

const RULES: [Rule; 20] = [
    Rule {
        phrase: "behind",
        except: &[
            "behind a proxy",
            "behind proxies",
            "behind one address",
            "behind the database's",
            "fallen behind",
            "falls behind",
            "when it is behind",
        ],
        instead: "after",
        why: "it is a place, not a time or an order",
    },
    Rule {
        phrase: "of no use",
        except: &[],
        instead: "cannot be used, or what does not work",
        why: "it hides what fails, and says something about worth",
    },
    Rule {
        phrase: "of use",
        except: &[],
        instead: "is valid, can be used",
        why: "a token is valid, a key signs, a file is readable",
    },
    Rule {
        phrase: "once more",
        except: &["once more than"],
        instead: "again",
        why: "the usual word is shorter",
    },
    Rule {
        phrase: "anew",
        except: &[],
        instead: "again",
        why: "the usual word is shorter",
    },
    Rule {
        phrase: "whose word",
        except: &[],
        instead: "trusted",
        why: "RFC 7239 and every proxy say trusted",
    },
    Rule {
        phrase: "says no",
        except: &[],
        instead: "refuses, returns false",
        why: "programs return values and errors",
    },
    Rule {
        phrase: "tells",
        except: &[],
        instead: "returns, contains, sends, reports",
        why: "programs do not tell; say which of these it does",
    },
    Rule {
        phrase: "told of",
        except: &[],
        instead: "notified of, or what is sent",
        why: "say who sends what to whom",
    },
    Rule {
        phrase: "is told",
        except: &["is told when to"],
        instead: "receives, is notified, is sent",
        why: "say who sends what to whom",
    },
    Rule {
        phrase: "are told",
        except: &[],
        instead: "receive, are notified, are sent",
        why: "say who sends what to whom",
    },
    Rule {
        phrase: "hears",
        except: &[],
        instead: "receives, is notified",
        why: "programs receive messages",
    },
    Rule {
        phrase: "rests",
        except: &[],
        instead: "is stored",
        why: "data at rest is stored",
    },
    Rule {
        phrase: "stands",
        except: &["stands for"],
        instead: "is in, is listed, is stored",
        why: "texts and values do not stand",
    },
    Rule {
        phrase: "looks at no",
        except: &[],
        instead: "never reads",
        why: "a negated verb is read once, a negated object twice",
    },
    Rule {
        phrase: "is no",
        except: &["there is no", "is no longer", "is no more than"],
        instead: "is not a",
        why: "a negated verb is read once, a negated object twice",
    },
    Rule {
        phrase: "are no",
        except: &["there are no", "are no longer", "are no more than"],
        instead: "are not",
        why: "a negated verb is read once, a negated object twice",
    },
    Rule {
        phrase: "left out",
        except: &[],
        instead: "unset (a setting), omitted (a field), skipped (a step)",
        why: "each of these is clearer",
    },
    Rule {
        phrase: "works no more",
        except: &[],
        instead: "no longer works, is revoked, has expired",
        why: "say what happened to it",
    },
    Rule {
        phrase: "shall",
        except: &[],
        instead: "must, is to, will",
        why: "an order and a plan are different things",
    },
];

/// Where texts are, beside the crates.
const FOLDERS: [&str; 5] = ["docs", "deploy", "peers", "clients", "console"];
/// Files with comments after `//`.
const SLASHED: [&str; 6] = ["proto", "rs", "go", "java", "ts", "tsx"];
/// Files with prose, or with comments after `#`.
const EXTENSIONS: [&str; 7] = ["md", "py", "yml", "yaml", "cfg", "env", "service"];
/// Texts of others, or with the phrases themselves.
const SKIPPED: [&str; 3] = [
    "proto/google",
    "wires/conformance/proto",
    "harness/tests/english.rs",
];
/// Folders of what was installed or built.
const BUILT: [&str; 5] = [".venv", "dist", "gen", "node_modules", "target"];

/// A paragraph of prose, on one line, in lower case.
struct Paragraph {
    file: String,
    line: usize,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file with prose, by its path from the root.
fn files() -> Vec<String> {
    let mut files: Vec<_> = ["README.md", "CHANGELOG.md", ".env.example", ".ci/run"]
        .into_iter()
        .chain(["docker-compose.yml", "docker-compose.tls.yml"])
        .chain(["docker-compose.replicas.yml", "deploy/check", "Cargo.toml"])
        .map(str::to_owned)
        .collect();
    let folders = FOLDERS.into_iter().chain(CRATES);
    let mut folders: Vec<_> = folders.map(str::to_owned).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            let is_built = BUILT.iter().any(|name| Path::new(&path).ends_with(name));
            if is_built || SKIPPED.contains(&&*path) {
                continue;
            }
            let extension = Path::new(&path).extension().unwrap_or_default();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if EXTENSIONS
                .iter()
                .chain(&SLASHED)
                .any(|prose| extension == *prose)
            {
                files.push(path);
            }
        }
    }
    files
}

/// The prose in a line: a line of Markdown, a comment, or the text of an error.
fn prose<'a>(file: &str, line: &'a str) -> Option<&'a str> {
    let line = line.trim();
    let extension = Path::new(file).extension().unwrap_or_default();
    let text = if extension == "md" {
        Some(line)
    } else if SLASHED.iter().any(|slashed| extension == *slashed) {
        let error = line.strip_prefix("#[error(\"");
        error.or_else(|| Some(line.strip_prefix("//")?.trim_start_matches(['/', '!'])))
    } else {
        line.strip_prefix('#')
    };
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The text without what is between backticks, which is code.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The paragraphs of a file; fenced code is not prose.
fn paragraphs(file: &str) -> Vec<Paragraph> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut is_open = false;
    let mut is_code = false;
    for (line, text) in (1..).zip(text.lines()) {
        let text = prose(file, text);
        let is_fence = text.is_some_and(|text| text.starts_with("```"));
        is_code ^= is_fence;
        let Some(text) = text.filter(|_| !is_fence && !is_code) else {
            is_open = false;
            continue;
        };
        match paragraphs.last_mut().filter(|_| is_open) {
            Some(open) => open.text.extend([" ", text]),
            None => paragraphs.push(Paragraph {
                file: file.to_owned(),
                line,
                text: text.to_owned(),
            }),
        }
        is_open = true;
    }
    for paragraph in &mut paragraphs {
        paragraph.text = without_code(&paragraph.text).to_lowercase();
    }
    paragraphs
}

/// Where a rule's phrase is used in a text, and not as a part of an exception.
fn uses(rule: &Rule, text: &str) -> usize {
    let is_word = |at: Option<char>| at.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(rule.phrase)
        .filter(|(at, phrase)| {
            let is_part = is_word(text[..*at].chars().next_back())
                || is_word(text[at + phrase.len()..].chars().next());
            let is_fine = rule.except.iter().any(|fine| {
                let before = fine.find(rule.phrase).unwrap();
                let from = at.checked_sub(before).and_then(|from| text.get(from..));
                from.is_some_and(|text| text.starts_with(fine))
            });
            !is_part && !is_fine
        })
        .count()
}

#[test]
fn no_text_has_to_be_read_twice() {
    let mut found = String::new();
    let mut count = 0;
    for paragraph in files().iter().flat_map(|file| paragraphs(file)) {
        count += 1;
        for rule in RULES.iter().filter(|rule| uses(rule, &paragraph.text) > 0) {
            let Rule {
                phrase,
                instead,
                why,
                ..
            } = rule;
            let (file, line) = (&paragraph.file, paragraph.line);
            writeln!(
                found,
                "{file}:{line}: not {phrase:?} but {instead}: {why}\n    {}",
                paragraph.text
            )
            .unwrap();
        }
    }

    assert!(count > 3000, "{count}");
    assert!(found.is_empty(), "{found}");
}

#[test]
fn a_phrase_is_found_as_whole_words_and_not_in_its_exceptions() {
    let rule = |phrase: &str| RULES.iter().find(|rule| rule.phrase == phrase).unwrap();

    for (phrase, text, expected) in [
        ("behind", "it is sent behind the answer", 1),
        ("behind", "behind a proxy, and behind proxies", 0),
        ("is no", "this is no token, and there is no other", 1),
        ("is no", "it is not one, and is no longer one", 0),
        ("anew", "one is anew, and a newer one is not", 1),
        ("rests", "it rests; the rest is arrests", 1),
    ] {
        assert_eq!(uses(rule(phrase), text), expected, "{text}");
    }
    assert_eq!(without_code("a `behind` b"), "a ` b");
}
