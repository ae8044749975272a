//! What the programs are built from: licences, sources and crates as `deny.toml` permits
//! them. cargo-deny checks the same and known vulnerabilities too, but takes minutes to
//! install.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, LicenseReq, Licensee};

#[derive(Deserialize)]
struct Policy {
    bans: Bans,
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    name: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// A crate that is built, as `cargo tree` prints it.
#[derive(Debug)]
struct Package {
    name: String,
    /// The folder of a crate of this workspace; where another is from, unless crates.io.
    from: Option<String>,
    license: String,
}

impl Package {
    /// Reads `name v1.0.0 (proc-macro) (from)|license`, without the parts that do not apply.
    fn of(line: &str) -> Self {
        let (package, license) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        let mut words = package.split(' ').filter(|word| *word != "(proc-macro)");
        let name = words.next().unwrap().to_owned();
        let from = words
            .nth(1)
            .map(|from| from.trim_matches(['(', ')']).to_owned());
        let license = license.to_owned();
        Self {
            name,
            from,
            license,
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn policy() -> Policy {
    toml::from_str(&std::fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

/// What this platform builds.
fn packages() -> Vec<Package> {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--prefix=none"])
        .args(["--edges=normal,build,dev", "--format={p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&cargo.stderr);
    assert!(cargo.status.success(), "{errors}");
    let lines = String::from_utf8(cargo.stdout).unwrap();
    let lines = lines.lines().filter(|line| !line.is_empty());
    let packages: Vec<Package> = lines.map(Package::of).collect();
    let names: HashSet<&str> = packages.iter().map(|one| &*one.name).collect();
    assert!(names.len() > 300, "{names:?}");
    packages
}

/// Whether the expression, or an old form of it such as `MIT/Apache-2.0`, needs nothing
/// but what is allowed.
fn is_allowed(license: &str, allowed: &[Licensee]) -> bool {
    let may = |needed: &LicenseReq| allowed.iter().any(|one| one.satisfies(needed));
    let expression = Expression::parse_mode(license, spdx::ParseMode::LAX);
    expression.is_ok_and(|expression| expression.evaluate(|needed| may(needed)))
}

#[test]
fn every_licence_is_allowed() {
    let allowed = policy().licenses.allow;
    let allowed: Vec<Licensee> = allowed
        .iter()
        .map(|name| Licensee::parse(name).unwrap())
        .collect();
    let refused: Vec<Package> = packages()
        .into_iter()
        .filter(|package| !is_allowed(&package.license, &allowed))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_licence_outside_the_list_is_refused() {
    let allowed = [Licensee::parse("MIT").unwrap()];
    assert!(is_allowed("MIT/Apache-2.0", &allowed));
    assert!(is_allowed("MIT OR GPL-3.0-only", &allowed));
    for license in ["GPL-3.0-only", "MIT AND ISC", "", "unknown"] {
        assert!(!is_allowed(license, &allowed), "{license}");
    }
}

#[test]
fn no_crate_is_banned_or_from_elsewhere() {
    let banned: HashSet<String> = policy().bans.deny.into_iter().map(|one| one.name).collect();
    let is_refused = |package: &Package| {
        let is_foreign = package
            .from
            .as_ref()
            .is_some_and(|from| !from.starts_with('/'));
        banned.contains(&package.name) || is_foreign
    };
    let refused: Vec<Package> = packages().into_iter().filter(is_refused).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_crate_from_elsewhere_is_told_from_ours() {
    let from = |line| Package::of(line).from;
    assert_eq!(from("serde v1.0.0|MIT"), None);
    assert_eq!(from("serde_derive v1.0.0 (proc-macro)|MIT (*)"), None);
    assert_eq!(
        from("proto v0.1.0 (/addressbook/proto)|MIT").as_deref(),
        Some("/addressbook/proto")
    );
    let git = "https://example.com/forks/serde#1234";
    assert_eq!(
        from(&format!("serde v1.0.0 ({git})|MIT")).as_deref(),
        Some(git)
    );
}
