//! TLS to PostgreSQL, as configured in `DATABASE_URL`.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::{self, Database, DbError};
use chassis::settings::config::{DatabaseConfig, RolePasswords};
use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use tempfile::TempDir;

use crate::pki::Authority;

/// A TCP server with a certificate for 127.0.0.1.
struct Encrypted {
    _cluster: Cluster,
    authority: Authority,
    files: TempDir,
    port: u16,
}

impl Encrypted {
    fn start() -> Self {
        let binaries = Binaries::find(&Search::from_environment()).unwrap();
        let mut cluster = Cluster::start(binaries, Folder::ephemeral().unwrap()).unwrap();
        let authority = Authority::new("database");
        let data = cluster.folder().path().join("pg");
        let owner = fs::metadata(&data).unwrap();
        let (certificate, key) = authority.issue(&["127.0.0.1"]).write(&data, "server");
        for file in [&certificate, &key] {
            fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
            chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", certificate.display()),
            format!("ssl_key_file={}", key.display()),
        ];
        cluster.restart_with(&settings).unwrap();
        Self {
            _cluster: cluster,
            authority,
            files: tempfile::tempdir().unwrap(),
            port,
        }
    }

    fn ca(&self) -> PathBuf {
        self.authority.write(self.files.path(), "ca.crt")
    }

    fn config(&self, host: &str, parameters: &str) -> DatabaseConfig {
        let port = self.port;
        let url = format!("postgres://{SUPERUSER}@{host}:{port}/postgres?{parameters}");
        DatabaseConfig {
            database_url: url.into(),
            database_password_file: None,
            database_connections: 3,
            database_acquire: Duration::from_secs(2),
            database_statement: Duration::from_secs(30),
            database_start: Duration::ZERO,
        }
    }
}

/// The TLS version of a connection with this configuration; `None` if it is not
/// encrypted.
async fn encryption(config: &DatabaseConfig) -> sqlx::Result<Option<String>> {
    let database = Database::new(config, &[]).unwrap();
    sqlx::query_scalar("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetch_one(&database.background())
        .await
}

async fn migrate(config: &DatabaseConfig) -> Result<(), DbError> {
    database::migrate(config, &RolePasswords::default()).await
}

#[tokio::test]
async fn a_connection_is_encrypted_where_the_url_says_so() {
    let server = Encrypted::start();
    let checked = format!("sslmode=verify-full&sslrootcert={}", server.ca().display());

    for parameters in ["sslmode=require", checked.as_str()] {
        let config = server.config("127.0.0.1", parameters);
        let used = encryption(&config).await.unwrap();
        assert_eq!(used.as_deref(), Some("TLSv1.3"), "{parameters}");
        migrate(&config).await.unwrap();
        let database = Database::new(&config, &[]).unwrap();
        database.ensure_usable(&Clock::System).await.unwrap();
    }

    let plain = server.config("127.0.0.1", "sslmode=disable");
    assert_eq!(encryption(&plain).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_is_not_spoken_to() {
    let server = Encrypted::start();
    let other = Authority::new("database").write(server.files.path(), "other.crt");
    let other = format!("sslmode=verify-full&sslrootcert={}", other.display());
    let ca = server.ca();
    let full = format!("sslmode=verify-full&sslrootcert={}", ca.display());
    let issuer_only = format!("sslmode=verify-ca&sslrootcert={}", ca.display());

    for (host, parameters, is_good) in [
        ("127.0.0.1", full.as_str(), true),
        ("127.0.0.1", &other, false),
        ("127.0.0.1", "sslmode=verify-full", false),
        ("localhost", &full, false),
        ("localhost", &issuer_only, true),
    ] {
        let config = server.config(host, parameters);
        assert_eq!(
            migrate(&config).await.is_ok(),
            is_good,
            "{host} {parameters}"
        );
        assert_eq!(
            encryption(&config).await.is_ok(),
            is_good,
            "{host} {parameters}"
        );
    }
}
