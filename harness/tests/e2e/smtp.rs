//! The auth service sends its mail to a real mail server, over TLS or not at all.

use std::time::Duration;

use chassis::settings::keyring::generate_line;
use chassis::settings::secret_file;
use embedded_postgres::TestDatabase;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{SignUpRequest, VerifyEmailRequest};
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;

use crate::mail_server::{MailServer, PASSWORD, Tls, USER};
use crate::pki::Authority;
use testing::migrated;

use crate::program::Program;
use crate::tools::mail_python;

const OWN_PASSWORD: &str = "the otter naps at noon";
const ADA: &str = "ada@example.com";

/// A database and the files of an auth service and a mail server.
struct Office {
    database: TestDatabase,
    db: PgPool,
    files: TempDir,
}

impl Office {
    async fn open() -> Self {
        let database = migrated().await;
        let files = tempfile::tempdir().unwrap();
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        ours.write(files.path(), "ca.crt");
        ours.issue(&["127.0.0.1"]).write(files.path(), "good");
        theirs.issue(&["127.0.0.1"]).write(files.path(), "unknown");
        let elsewhere = ours.issue(&["mail.example.com"]);
        elsewhere.write(files.path(), "elsewhere");
        let secret = |name: &str, text: &str| {
            secret_file::write(&files.path().join(name), text).unwrap();
        };
        secret("password", PASSWORD);
        secret("wrong", "another password");
        secret("keys", &generate_line(1).unwrap());
        Self {
            db: PgPool::connect_with(database.admin()).await.unwrap(),
            database,
            files,
        }
    }

    fn server(&self, tls: Tls, certificate: &str, port: u16) -> MailServer {
        MailServer::start(self.files.path(), tls, certificate, port)
    }

    /// The correct settings for a server, except these.
    fn auth(&self, tls: Tls, port: u16, own: Vec<(&'static str, String)>) -> Program {
        let mut settings = vec![
            ("DATABASE_URL", self.database.url("auth_service")),
            ("SECRET_KEYS_FILE", self.file("keys")),
            ("ARGON2_MEMORY_KIB", "64".to_owned()),
            ("MAIL_FROM", "noreply@example.com".to_owned()),
            ("SMTP_PASSWORD_FILE", self.file("password")),
            ("SMTP_CA_FILE", self.file("ca.crt")),
            (
                "SMTP_URL",
                match tls {
                    Tls::Implicit => format!("smtps://{USER}@127.0.0.1:{port}"),
                    _ => format!("smtp://{USER}@127.0.0.1:{port}?tls=required"),
                },
            ),
        ];
        settings.retain(|(name, _)| own.iter().all(|(other, _)| name != other));
        settings.extend(own);
        Program::start("auth-service", self.files.path(), settings)
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    /// Returns when the mail was tried and waits for its next attempt.
    async fn postponed(&self) {
        // A lease is longer than the first pauses.
        let sql = "SELECT count(*) FROM auth.outbox
                   WHERE attempts > 0 AND due_time < now() + interval '1 minute'";
        let asking = async {
            while sqlx::query_scalar::<_, i64>(sql)
                .fetch_one(&self.db)
                .await
                .unwrap()
                != 1
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waits = timeout(Duration::from_mins(1), asking).await;
        assert!(waits.is_ok(), "no mail waits for another attempt");
    }

    /// Makes all waiting mail due.
    async fn make_due(&self) {
        let sql = "UPDATE auth.outbox SET due_time = now()";
        sqlx::query(sql).execute(&self.db).await.unwrap();
    }
}

async fn client(auth: &Program) -> AuthServiceClient<Channel> {
    let url = format!("http://{}", auth.address);
    AuthServiceClient::connect(url).await.unwrap()
}

/// Puts a mail into the outbox.
async fn sign_up(auth: &Program) {
    let request = SignUpRequest {
        email: ADA.to_owned(),
        password: OWN_PASSWORD.to_owned(),
        ..SignUpRequest::default()
    };
    client(auth).await.sign_up(request).await.unwrap();
}

/// The mail arrived over TLS from the permitted user, and its token works.
async fn is_sound(mail: &Value, auth: &Program) {
    assert_eq!(mail["to"], serde_json::json!([ADA]));
    assert_eq!(mail["user"], USER);
    assert_eq!(mail["is_encrypted"], true);
    let text = mail["mail"].as_str().unwrap();
    let token = text.lines().find(|line| line.starts_with("et1_")).unwrap();
    let request = VerifyEmailRequest {
        token: token.to_owned(),
        current_password: OWN_PASSWORD.to_owned(),
    };
    client(auth).await.verify_email(request).await.unwrap();
}

/// With these settings, mail is sent to a correct server.
async fn arrives(tls: Tls, own: fn(&Office) -> Vec<(&'static str, String)>) {
    let office = Office::open().await;
    let mut server = office.server(tls, "good", 0);
    let auth = office.auth(tls, server.port, own(&office));

    sign_up(&auth).await;

    is_sound(&server.mail(), &auth).await;
}

/// Mail waits while the server is wrong, and is sent to a correct one.
async fn waits_for_a_good_server(tls: Tls, bad: Tls, certificate: &str) {
    let office = Office::open().await;
    let server = office.server(bad, certificate, 0);
    let port = server.port;
    let auth = office.auth(tls, port, vec![]);

    sign_up(&auth).await;
    office.postponed().await;
    assert_eq!(server.end(), Vec::<String>::new(), "{bad:?} {certificate}");

    let mut server = office.server(tls, "good", port);
    office.make_due().await;
    is_sound(&server.mail(), &auth).await;
}

/// Mail waits with these settings of the service, and is sent with correct ones.
async fn waits_for_good_settings(own: fn(&Office, u16) -> Vec<(&'static str, String)>) {
    let office = Office::open().await;
    let mut server = office.server(Tls::Upgrade, "good", 0);
    let own = own(&office, server.port);
    let auth = office.auth(Tls::Upgrade, server.port, own);
    sign_up(&auth).await;
    office.postponed().await;

    drop(auth);
    let auth = office.auth(Tls::Upgrade, server.port, vec![]);
    office.make_due().await;
    is_sound(&server.mail(), &auth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mail_goes_over_tls_with_a_password_and_its_token_works() {
    if mail_python().is_none() {
        return;
    }
    let mut cases = JoinSet::new();
    cases.spawn(arrives(Tls::Upgrade, |_| vec![]));
    cases.spawn(arrives(Tls::Implicit, |_| vec![]));
    // The CAs that the system trusts.
    cases.spawn(arrives(Tls::Implicit, |office| {
        vec![
            ("SMTP_CA_FILE", String::new()),
            ("SSL_CERT_FILE", office.file("ca.crt")),
        ]
    }));
    cases.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_cannot_be_believed_gets_no_mail_and_no_password() {
    if mail_python().is_none() {
        return;
    }
    let mut cases = JoinSet::new();
    for (tls, bad, certificate) in [
        (Tls::Upgrade, Tls::Upgrade, "unknown"),
        (Tls::Implicit, Tls::Implicit, "unknown"),
        (Tls::Upgrade, Tls::Upgrade, "elsewhere"),
        (Tls::Upgrade, Tls::Never, ""),
    ] {
        cases.spawn(waits_for_a_good_server(tls, bad, certificate));
    }
    cases.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mail_waits_for_settings_that_the_server_takes() {
    if mail_python().is_none() {
        return;
    }
    let mut cases = JoinSet::new();
    // The system does not know our CA.
    cases.spawn(waits_for_good_settings(|_, _| {
        vec![("SMTP_CA_FILE", String::new())]
    }));
    cases.spawn(waits_for_good_settings(|office, _| {
        vec![("SMTP_PASSWORD_FILE", office.file("wrong"))]
    }));
    // The server requires STARTTLS.
    cases.spawn(waits_for_good_settings(|_, port| {
        vec![
            ("SMTP_URL", format!("smtp://127.0.0.1:{port}")),
            ("SMTP_PASSWORD_FILE", String::new()),
            ("SMTP_CA_FILE", String::new()),
        ]
    }));
    cases.join_all().await;
}
