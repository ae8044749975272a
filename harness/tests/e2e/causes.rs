//! A contacts service that does not reach the auth service says why, once.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chassis::settings::keyring::generate_line;
use chassis::settings::secret_file;
use tempfile::TempDir;

use crate::stack::lines;
use testing::migrated;

/// A contacts service that calls `auth_url`, and the folder of its files.
fn service(auth_url: &str, database_url: &str) -> (Command, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| files.path().join(name);
    secret_file::write(&file("keys"), &generate_line(1).unwrap()).unwrap();
    secret_file::write(&file("secret"), &"0123456789abcdef".repeat(4)).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name("contacts-service");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("SECRET_KEYS_FILE", file("keys"))
        .env("AUTH_SECRET_FILE", file("secret"))
        .env("AUTH_URL", auth_url)
        .env("ALLOW_PLAINTEXT", "true")
        .env("DATABASE_URL", database_url)
        .env("DATABASE_START_SECONDS", "2");
    (command, files)
}

#[test]
fn why_the_auth_service_is_not_reached_is_told_once() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = plain.accept() {
            let _ = socket.write_all(b"This is no TLS.");
            // Reads to the end of the client's request, otherwise the response could be
            // lost.
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
        // It waits for its database for two seconds, and calls several times meanwhile.
        let (mut service, _files) = service(url, "postgres://contacts_service@127.0.0.1:1/none");
        let log = String::from_utf8(service.output().unwrap().stdout).unwrap();

        let told = |line: &&str| line.contains("cannot read the key set");
        let told: Vec<_> = log.lines().filter(told).collect();
        assert_eq!(told.len(), 1, "{url}: {log}");
        assert_eq!(told[0].matches(cause).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn why_revocations_are_not_heard_is_told() {
    let database = migrated().await;
    let url = database.url("contacts_service");
    let (mut service, _files) = service("http://127.0.0.1:1", &url);
    let mut child = service.stdout(Stdio::piped()).spawn().unwrap();
    let log = lines(child.stdout.take().unwrap());

    let told = loop {
        let line = log.recv_timeout(Duration::from_mins(1)).unwrap();
        if line.contains("cannot subscribe to revocations") {
            break line;
        }
    };

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("Connection refused"), "{told}");
}
