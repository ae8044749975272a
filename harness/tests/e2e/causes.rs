//! A contacts service that does not reach the auth service says why, once.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use chassis::keyring::generate_line;

/// The lines of a contacts service that asks at `auth_url` until it gives up waiting
/// for its database, which is some times.
fn log(auth_url: &str) -> Vec<String> {
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| files.path().join(name);
    fs::write(file("keys"), &*generate_line(1).unwrap()).unwrap();
    fs::write(file("secret"), "0123456789abcdef".repeat(4)).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name("contacts-service");
    let ended = Command::new(program)
        .env_clear()
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("SECRET_KEYS_FILE", file("keys"))
        .env("AUTH_SECRET_FILE", file("secret"))
        .env("AUTH_URL", auth_url)
        .env("ALLOW_PLAINTEXT", "true")
        .env(
            "DATABASE_URL",
            "postgres://contacts_service@127.0.0.1:1/none",
        )
        .env("DATABASE_START_SECONDS", "2")
        .output()
        .unwrap();
    let log = String::from_utf8(ended.stdout).unwrap();
    log.lines().map(str::to_owned).collect()
}

fn assert_told_once(log: &[String], what: &str, cause: &str) {
    let told: Vec<_> = log.iter().filter(|line| line.contains(what)).collect();
    assert_eq!(told.len(), 1, "{what}: {log:#?}");
    assert_eq!(told[0].matches(cause).count(), 1, "{told:?}");
}

#[test]
fn why_the_auth_service_is_not_reached_is_told_once() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = plain.accept() {
            let _ = socket.write_all(b"This is no TLS.");
            // Its end, and that of the client's words, or the answer could be lost.
            let _ = socket.read_to_end(&mut Vec::new());
        }
    });
    for (url, cause) in [
        ("http://127.0.0.1:1", "Connection refused"),
        ("http://auth.invalid:50051", "failed to lookup address"),
        (
            &format!("https://{address}"),
            "the TLS handshake with 127.0.0.1 failed",
        ),
    ] {
        let log = log(url);
        for what in ["cannot read the key set", "cannot follow revocations"] {
            assert_told_once(&log, what, cause);
        }
    }
}
