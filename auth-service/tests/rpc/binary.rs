//! The program, as an operator runs it.

use std::process::{Command, Output, Stdio};

use chassis::settings::keyring::{KeyRing, generate_line};
use chassis::settings::secret_file;
use embedded_postgres::TestDatabase;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{RequestPasswordResetRequest, ResetPasswordRequest, VerifyEmailRequest};

use crate::app::{PASSWORD, admin, in_time, new_account};
use crate::mail_server::{MailServer, Manner};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
    command.env_clear().stdin(Stdio::null());
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

async fn empty_database() -> TestDatabase {
    TestDatabase::create("auth_empty", async |_| Ok::<_, sqlx::Error>(()))
        .await
        .unwrap()
}

#[tokio::test]
async fn generate_key_prints_a_line_of_a_key_file() {
    let mut command = program();
    command.args(["generate-key", "--kid", "7"]);

    let output = output(command).await;

    assert!(output.status.success());
    let ring = KeyRing::parse(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(ring.current_kid(), 7);
}

#[tokio::test]
async fn an_empty_variable_is_an_unset_one() {
    let mut command = program();
    for name in [
        "DATABASE_URL",
        "METRICS_ADDR",
        "TRUSTED_PROXIES",
        "HASHER_QUEUE",
    ] {
        command.env(name, "");
    }

    let output = output(command).await;

    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("--database-url <DATABASE_URL>"), "{errors}");
    assert!(!errors.contains("invalid value"), "{errors}");
}

#[tokio::test]
async fn a_database_without_migrations_is_named_in_one_line() {
    let (database, folder) = (empty_database().await, tempfile::tempdir().unwrap());
    let keys = folder.path().join("keys");
    secret_file::write(&keys, &generate_line(1).unwrap()).unwrap();
    let mut command = program();
    command
        .env("DATABASE_URL", database.url("postgres"))
        .env("SECRET_KEYS_FILE", keys)
        .env("LISTEN_ADDR", "127.0.0.1:0");

    let output = output(command).await;

    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("run the `migrate` sub-command first"), "{log}");
}

#[tokio::test]
async fn a_migrated_database_is_served_until_the_program_is_told_to_stop() {
    let (database, folder) = (empty_database().await, tempfile::tempdir().unwrap());
    let (keys, address_file) = (folder.path().join("keys"), folder.path().join("address"));
    secret_file::write(&keys, &generate_line(1).unwrap()).unwrap();

    let mut migrate = program();
    migrate
        .arg("migrate")
        .env("DATABASE_URL", database.url("postgres"));
    let migrated = output(migrate).await;
    assert!(migrated.status.success(), "{migrated:?}");
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&admin(&database).await)
        .await
        .unwrap();
    assert!(applied >= 4);

    let mut service = tokio::process::Command::from(program());
    let mut service = service
        .kill_on_drop(true)
        .args(["--listen-addr", "127.0.0.1:0"])
        .env("DATABASE_URL", database.url("auth_service"))
        .env("SECRET_KEYS_FILE", &keys)
        .env("ADDRESS_FILE", &address_file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let address = in_time("the service writes no address", async || {
        std::fs::read_to_string(&address_file)
            .ok()
            .map(|text| text.trim().to_owned())
    })
    .await;
    // It reports SERVING once it has queried the database.
    let health = async || {
        let mut health = program();
        health.arg("health").env("LISTEN_ADDR", &address);
        output(health).await.status.code()
    };
    in_time("the service does not serve", async || {
        (health().await == Some(0)).then_some(())
    })
    .await;

    let mut stop = Command::new("kill");
    stop.args(["-TERM", &service.id().unwrap().to_string()]);
    assert!(output(stop).await.status.success());
    let status = service.wait().await.unwrap();
    assert!(status.success(), "{status}");

    assert_eq!(health().await, Some(1));
}

#[tokio::test]
async fn a_password_in_the_url_is_not_shown_when_the_url_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    secret_file::write(&keys, &generate_line(1).unwrap()).unwrap();
    let mut command = program();
    command
        .env(
            "DATABASE_URL",
            "postgres://user:hunter2hunter2@host:port/db",
        )
        .env("SECRET_KEYS_FILE", keys)
        .env("LISTEN_ADDR", "127.0.0.1:0");

    let output = output(command).await;

    assert_eq!(output.status.code(), Some(1));
    let shown = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8(shown).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn the_log_has_no_token_and_no_address_also_where_it_says_most() {
    let (server, folder) = (MailServer::start().await, tempfile::tempdir().unwrap());
    let (keys, address_file) = (folder.path().join("keys"), folder.path().join("address"));
    secret_file::write(&keys, &generate_line(1).unwrap()).unwrap();
    let database = testing::migrated().await;
    let log = folder.path().join("log");
    let mut service = tokio::process::Command::from(program())
        .kill_on_drop(true)
        .args(["--listen-addr", "127.0.0.1:0"])
        .args(server.flags())
        .env("DATABASE_URL", database.url("auth_service"))
        .env("SECRET_KEYS_FILE", &keys)
        .env("ADDRESS_FILE", &address_file)
        .env("RUST_LOG", "trace")
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let address = in_time("the service writes no address", async || {
        std::fs::read_to_string(&address_file).ok()
    })
    .await;
    let channel = crate::app::endpoint(address.trim())
        .connect()
        .await
        .unwrap();
    let mut auth = AuthServiceClient::new(channel);

    // The second mail is refused with a text that contains the address.
    auth.sign_up(new_account("ada@example.com")).await.unwrap();
    let mail = server
        .mailed("ada@example.com", "Confirm your e-mail address", 1)
        .await;
    let token = mail[0].token();
    server.behave(Manner::RefusesRecipient("550 no <ada@example.com> here"));
    let request = RequestPasswordResetRequest {
        email: "ada@example.com".into(),
    };
    auth.request_password_reset(request).await.unwrap();
    let read = async || std::fs::read_to_string(&log).unwrap();
    in_time("no mail is given up", async || {
        read().await.contains("a mail is given up").then_some(())
    })
    .await;
    let request = VerifyEmailRequest {
        token: token.clone(),
        current_password: PASSWORD.into(),
    };
    auth.verify_email(request).await.unwrap();
    let request = ResetPasswordRequest {
        token: token.clone(),
        new_password: PASSWORD.into(),
    };
    auth.reset_password(request).await.unwrap_err();

    service.start_kill().unwrap();
    service.wait().await.unwrap();
    let log = read().await;
    assert!(
        log.contains("mail sent") && log.contains("replied 550"),
        "{log}"
    );
    for secret in [&token, &token[4..], "ada@example.com", PASSWORD] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn a_mail_in_a_folder_is_one_line_of_the_log_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, address_file) = (folder.path().join("keys"), folder.path().join("address"));
    secret_file::write(&keys, &generate_line(1).unwrap()).unwrap();
    let (mails, log) = (folder.path().join("mail"), folder.path().join("log"));
    let database = testing::migrated().await;
    let _service = tokio::process::Command::from(program())
        .kill_on_drop(true)
        .args(["--listen-addr", "127.0.0.1:0"])
        .env("DATABASE_URL", database.url("auth_service"))
        .env("SECRET_KEYS_FILE", &keys)
        .env("ADDRESS_FILE", &address_file)
        .env("MAIL_FOLDER", &mails)
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let address = in_time("the service writes no address", async || {
        std::fs::read_to_string(&address_file).ok()
    })
    .await;
    let channel = crate::app::endpoint(address.trim()).connect().await;
    let mut auth = AuthServiceClient::new(channel.unwrap());
    let lines = || std::fs::read_to_string(&log).unwrap();
    let before = lines();

    auth.sign_up(new_account("ada@example.com")).await.unwrap();
    let db = admin(&database).await;
    in_time("the mail is not sent", async || {
        let sql = "SELECT count(*) FROM auth.outbox";
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&db).await.unwrap();
        (waiting == 0 && lines().contains("mail written")).then_some(())
    })
    .await;

    let log = lines();
    let new = log[before.len()..].lines();
    // The database may start meanwhile.
    let new: Vec<_> = new.filter(|line| !line.contains("chassis::")).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].contains("token=\"et1_"), "{new:?}");
}
