//! The README's Python client, generated and run as it says.

use std::process::Command;

use crate::available::has_python;
use crate::documents::blocks;
use crate::stack::{Stack, copy_dir, workspace};

#[test]
fn the_python_client_signs_up_and_keeps_contacts() {
    if !has_python() {
        return;
    }
    let stack = Stack::start(&[]);
    let copy = tempfile::tempdir().unwrap();
    for folder in ["proto", "clients"] {
        copy_dir(&workspace().join(folder), &copy.path().join(folder));
    }
    let [commands] = blocks("sh python").try_into().unwrap();
    let script = format!("set -eu\n{commands} {} {}", stack.auth, stack.contacts);

    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(copy.path())
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for fact in [
        "created Hans Müller +4930123456",
        "listed 1",
        "found Hans Müller",
        "birthday in ",
        "INVALID_ARGUMENT ErrorInfo",
        "INVALID_ARGUMENT BadRequest",
        "contact.emails[0].address",
    ] {
        assert!(said.contains(fact), "no {fact} in {said}");
    }
}
