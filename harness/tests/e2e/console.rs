//! The console in a real browser: Chromium, driven by Playwright.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::available::{available, has_programs};
use crate::collector::Collector;
use crate::stack::{Stack, copy_dir, workspace};

/// The built files are in the repository, so that nobody needs Node to run the services.
#[test]
fn the_console_does_all_that_people_do_and_is_built_from_its_sources() {
    if !has_programs(&["node", "npm", "chromium"]) {
        return;
    }
    let copy = tempfile::tempdir().unwrap();
    for folder in ["proto", "console"] {
        copy_dir(&workspace().join(folder), &copy.path().join(folder));
    }
    let folder = copy.path().join("console");
    let installed = runs(&folder, "npm", &["ci", "--no-audit", "--no-fund"]);
    if !available(installed, "the packages of console") {
        return;
    }
    assert!(runs(&folder, "npm", &["run", "--silent", "build"]));
    assert!(
        files(&folder.join("dist")) == files(&workspace().join("console/dist")),
        "console/dist is not what the sources make: run `npm ci && npm run build` in console/"
    );

    // The auth service must know it before the contacts service runs.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let contacts = free.local_addr().unwrap().to_string();
    drop(free);
    let mut collector = Collector::start();
    // The page knows one address of each service.
    let arguments = ["--contacts-listen", &contacts];
    let stack = Stack::start_alone(&arguments, &collector.settings());
    let url = format!("http://{}/console/", stack.auth);
    let mail = stack.folder().join("mail");

    let mail = mail.to_str().unwrap();
    assert!(runs(&folder, "node", &["test/tour.mjs", &url, mail]));

    let click = collector.find("click on Save", |received| {
        let is_create =
            received.span.name == "addressbook.contacts.v1.ContactsService/CreateContact";
        is_create && !received.parent().is_empty()
    });
    assert_eq!(click.attribute("rpc.system.name").unwrap(), "connectrpc");
    collector.statement_of(&click, "contacts.contacts");
}

fn runs(folder: &Path, program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let status = command.args(args).current_dir(folder).status();
    status.is_ok_and(|status| status.success())
}

/// The files of a folder, by their paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
