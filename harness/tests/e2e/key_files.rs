//! No service starts with a secret that other users of its machine can read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use chassis::settings::keyring::generate_line;
use chassis::settings::secret_file;

use crate::pki::Authority;
use testing::migrated;

/// Every setting that names a file of secrets, by program and sub-command.
const FILES: [(&str, &str, &[&str]); 4] = [
    (
        "auth-service",
        "migrate",
        &["AUTH_ROLE_PASSWORD_FILE", "CONTACTS_ROLE_PASSWORD_FILE"],
    ),
    ("contacts-service", "migrate", &["DATABASE_PASSWORD_FILE"]),
    (
        "auth-service",
        "serve",
        &[
            "SECRET_KEYS_FILE",
            "PASSWORD_PEPPER_FILE",
            "CONTACTS_SECRET_FILE",
            "DATABASE_PASSWORD_FILE",
            "SMTP_PASSWORD_FILE",
            "TLS_KEY_FILE",
        ],
    ),
    (
        "contacts-service",
        "serve",
        &[
            "SECRET_KEYS_FILE",
            "AUTH_SECRET_FILE",
            "DATABASE_PASSWORD_FILE",
            "TLS_KEY_FILE",
            "AUTH_CLIENT_KEY_FILE",
        ],
    ),
];

/// Files that the services would accept.
fn write_files(folder: &Path) {
    let write = |name: &str, text: &str| secret_file::write(&folder.join(name), text).unwrap();
    for name in ["SECRET_KEYS_FILE", "PASSWORD_PEPPER_FILE"] {
        write(name, &generate_line(1).unwrap());
    }
    for name in [
        "AUTH_ROLE_PASSWORD_FILE",
        "AUTH_SECRET_FILE",
        "CONTACTS_ROLE_PASSWORD_FILE",
        "CONTACTS_SECRET_FILE",
        "DATABASE_PASSWORD_FILE",
        "SMTP_PASSWORD_FILE",
    ] {
        write(name, &"0123456789abcdef".repeat(4));
    }
    let leaf = Authority::new("test").issue(&["127.0.0.1"]);
    leaf.write(folder, "tls");
    for name in ["TLS_KEY_FILE", "AUTH_CLIENT_KEY_FILE"] {
        fs::copy(folder.join("tls.key"), folder.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_secret_that_others_can_read_ends_the_start() {
    let database = migrated().await;
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    for (program, does, names) in FILES {
        for name in names {
            let path = folder.path().join(name);
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            let mut command =
                Command::new(Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name(program));
            let role = match (program, does) {
                (_, "migrate") => "postgres",
                ("auth-service", _) => "auth_service",
                _ => "contacts_service",
            };
            command
                .arg(does)
                .env_clear()
                .env("DATABASE_URL", database.url(role))
                .envs(names.iter().map(|name| (name, folder.path().join(name))));
            if does == "serve" {
                command
                    .env("LISTEN_ADDR", "127.0.0.1:0")
                    .env("TLS_CERT_FILE", folder.path().join("tls.crt"));
            }
            if (program, does) == ("auth-service", "serve") {
                command
                    .env("MAIL_FROM", "noreply@example.com")
                    .env("SMTP_URL", "smtps://user@127.0.0.1:1");
            }
            if (program, does) == ("contacts-service", "serve") {
                command
                    .env("AUTH_URL", "https://127.0.0.1:1")
                    .env("AUTH_CLIENT_CERT_FILE", folder.path().join("tls.crt"));
            }

            let output = command.output().unwrap();

            assert_eq!(
                output.status.code(),
                Some(1),
                "{program} {name}: {output:?}"
            );
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let refused = format!("its mode is 0644); run `chmod 600 {}`", path.display());
            assert!(said.contains(&refused), "{program} {name}: {said}");
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        }
    }
}
