//! Photos and settings by the command line.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::cli::Cli;

/// A PNG image of four by four pixels.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR42mOwqTgBRwzEcQBhEhfBrmbN\
                   OgAAAABJRU5ErkJggg==";

#[test]
fn a_photo_is_set_received_and_removed() {
    let cli = Cli::shared();
    cli.run(&["add", "--given-name", "Hans", "--family-name", "Müller"])
        .assert(0);
    let png = BASE64_STANDARD.decode(PNG).unwrap();
    fs::write(cli.file_path("hans.png"), &png).unwrap();

    cli.run(&["photo", "get", "hans"]).assert(5);
    let set = cli.json(&["photo", "set", "hans müller", "hans.png"]);

    assert_eq!(set[0]["photo"]["mediaType"], "image/png");
    cli.run(&["photo", "get", "hans", "copy.png"]).assert(0);
    assert_eq!(fs::read(cli.file_path("copy.png")).unwrap(), png);
    let output = cli.command(&["photo", "get", "hans"]).output().unwrap();
    assert_eq!(output.stdout, png);
    cli.run(&["photo", "get", "hans", "copy.png"]).assert(13);
    cli.run(&["photo", "get", "hans", "copy.png", "--force"])
        .assert(0);
    cli.run(&["photo", "delete", "hans"]).assert(0);
    cli.run(&["photo", "get", "hans"]).assert(5);
    cli.file("text.png", "not an image");
    cli.run(&["photo", "set", "hans", "text.png"]).assert(6);
    fs::write(cli.file_path("large.png"), vec![0; 3 * 1024 * 1024]).unwrap();
    let large = cli.run(&["photo", "set", "hans", "large.png"]);
    assert!(large.assert(6).errors.contains("2 MiB"), "{}", large.errors);
}

#[test]
fn settings_are_used_by_later_commands() {
    let cli = Cli::shared();
    let set = ["settings", "set", "--region", "de", "--leap-day", "mar-1"];

    let changed = cli.json(&set);

    assert_eq!(changed[0]["defaultRegion"], "DE");
    assert_eq!(changed[0]["leapDayRule"], "LEAP_DAY_RULE_MAR_1");
    let added = cli.json(&["add", "--given-name", "Hans", "--phone", "030 123456"]);
    assert_eq!(added[0]["phones"][0]["e164"], "+4930123456");
    cli.run(&["settings", "set", "--region", ""]).assert(0);
    let shown = cli.json(&["settings", "show"]).remove(0);
    assert_eq!(shown["defaultRegion"], Value::Null);
    assert_eq!(shown["leapDayRule"], "LEAP_DAY_RULE_MAR_1");
    let said = cli.run(&["settings", "show"]).said;
    assert!(said.contains("on 1 March"), "{said}");
    cli.run(&["settings", "set"]).assert(2);
    let wrong = ["settings", "set", "--time-zone", "Mars/Olympus"];
    cli.run(&wrong).assert(6);
}
