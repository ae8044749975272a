//! A short run of `cargo dev torture`.

#![allow(clippy::unwrap_used, reason = "a test should panic where it fails")]

use std::path::Path;
use std::process::Command;

/// The load takes so many seconds; starting, waiting for late writes and comparing take
/// about as long.
const SECONDS: &str = "8";

#[test]
fn nothing_acknowledged_is_lost_while_things_break() {
    let dev = Path::new(env!("CARGO_BIN_EXE_dev"));
    for service in ["auth-service", "contacts-service"] {
        let is_built = dev.with_file_name(service).exists();
        assert!(
            is_built,
            "{service} is not built; use `cargo test --workspace`"
        );
    }

    let output = Command::new(dev)
        .args(["torture", "--seconds", SECONDS, "--seed", "20261130"])
        .env_remove("CARGO")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains(": 0 violations"), "{text}");
}
