//! The services' passwords, which `migrate` sets from files.

use std::io::Write;
use std::sync::{Arc, Mutex};

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chassis::database;
use chassis::settings::config::RolePasswords;
use futures_util::future::join_all;
use sqlx::PgConnection;
use tracing_subscriber::fmt::MakeWriter;

use crate::database::{config, connect, empty};

const ROLES: [&str; 2] = ["auth_service", "contacts_service"];

/// Roles belong to the server, which these tests share.
static ROLE_PASSWORDS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Whether the role has this password, checked with its SCRAM verifier (RFC 5802),
/// because these servers accept everyone.
async fn has_password(db: &mut PgConnection, role: &str, password: &str) -> bool {
    let verifier: Option<String> =
        sqlx::query_scalar("SELECT rolpassword FROM pg_authid WHERE rolname = $1")
            .bind(role)
            .fetch_one(db)
            .await
            .unwrap();
    let verifier = verifier.expect("a password");
    let parts: Vec<_> = verifier.split(['$', ':']).collect();
    let ["SCRAM-SHA-256", rounds, salt, stored_key, _] = parts[..] else {
        panic!("not SCRAM")
    };
    let mut salted = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds.parse().unwrap(),
        &BASE64_STANDARD.decode(salt).unwrap(),
        password.as_bytes(),
        &mut salted,
    );
    let client_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), b"Client Key");
    let key = digest::digest(&digest::SHA256, client_key.as_ref());
    BASE64_STANDARD.encode(key) == stored_key
}

fn passwords(folder: &std::path::Path, auth: &str, contacts: &str) -> RolePasswords {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        chassis::settings::secret_file::write(&path, text).unwrap();
        Some(path)
    };
    RolePasswords {
        auth_role_password_file: write("auth", auth),
        contacts_role_password_file: write("contacts", contacts),
    }
}

#[tokio::test]
async fn migrate_sets_the_passwords_of_both_roles() {
    let _alone = ROLE_PASSWORDS.lock().await;
    let database = empty().await;
    let config = config(database.url("postgres"));
    let folder = tempfile::tempdir().unwrap();

    // Quotes and backslashes must not end the statement; a file's last line ends.
    let hostile = r"it's a \' $$ %s %I -- é";
    let first = passwords(folder.path(), hostile, "second\n");
    database::migrate(&config, &first).await.unwrap();
    let mut db = connect(&database, "postgres").await;
    assert!(has_password(&mut db, ROLES[0], hostile).await);
    assert!(has_password(&mut db, ROLES[1], "second").await);

    let changed = passwords(folder.path(), "third", "fourth");
    database::migrate(&config, &changed).await.unwrap();
    assert!(has_password(&mut db, ROLES[0], "third").await);
    assert!(has_password(&mut db, ROLES[1], "fourth").await);

    database::migrate(&config, &RolePasswords::default())
        .await
        .unwrap();
    assert!(has_password(&mut db, ROLES[0], "third").await);
}

#[tokio::test]
async fn several_at_once_set_passwords() {
    let _alone = ROLE_PASSWORDS.lock().await;
    let database = empty().await;
    let config = config(database.url("postgres"));
    let folder = tempfile::tempdir().unwrap();
    let passwords = passwords(folder.path(), "one", "two");

    for _ in 0..5 {
        let all = join_all((0..5).map(|_| database::migrate(&config, &passwords))).await;

        for done in all {
            done.unwrap();
        }
    }
    let mut db = connect(&database, "postgres").await;
    assert!(has_password(&mut db, ROLES[0], "one").await);
    assert!(has_password(&mut db, ROLES[1], "two").await);
}

#[tokio::test]
async fn a_password_file_that_is_missing_is_named() {
    let database = empty().await;
    let passwords = RolePasswords {
        auth_role_password_file: Some("/nowhere/password".into()),
        contacts_role_password_file: None,
    };

    let refused = database::migrate(&config(database.url("postgres")), &passwords).await;

    let text = refused.unwrap_err().to_string();
    assert!(text.contains("/nowhere/password"), "{text}");
}

/// The whole log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_password_gets_into_a_log() {
    let _alone = ROLE_PASSWORDS.lock().await;
    let database = empty().await;
    let folder = tempfile::tempdir().unwrap();
    let passwords = passwords(folder.path(), "canary-one", "canary-two");
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();

    let logging = tracing::subscriber::set_default(subscriber);
    tracing::info!("the log works");
    let migrated = database::migrate(&config(database.url("postgres")), &passwords).await;
    drop(logging);

    migrated.unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the log works"));
    let leak = log.lines().find(|line| line.contains("canary"));
    assert_eq!(leak, None);
}
