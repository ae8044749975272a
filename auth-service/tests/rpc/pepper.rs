//! Passwords are hashed with a pepper that the database does not have.

use std::path::PathBuf;

use auth_service::passwords::pepper::Peppers;
use auth_service::passwords::phc::{Recipe, Verdict};
use chassis::settings::keyring::{KeyRing, generate_line};
use chassis::settings::secret_file;
use tempfile::TempDir;
use tonic::Code;

use crate::app::{App, PASSWORD, refusal};

const ADA: &str = "ada@example.org";

/// `keyid` of KIDs 1 and 2, in base64.
const KEYIDS: [&str; 2] = ["keyid=AQ", "keyid=Ag"];

/// Files with pepper 1, with both, and with pepper 2.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let [one, two] = [1, 2].map(|kid| generate_line(kid).unwrap().to_string());
        let both = format!("{one}\n{two}");
        for (name, lines) in [("one", one), ("both", both), ("two", two)] {
            secret_file::write(&folder.path().join(name), &lines).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn flag(&self, name: &str) -> String {
        format!("--password-pepper-file={}", self.path(name).display())
    }
}

async fn stored(app: &App) -> String {
    let sql = "SELECT password_hash FROM auth.emails WHERE email_norm = $1";
    let stored = sqlx::query_scalar(sql).bind(ADA).fetch_one(&app.db).await;
    stored.unwrap()
}

#[tokio::test]
async fn a_dump_alone_is_of_no_use_to_guess_with() {
    let files = Files::new();
    let app = App::start_with(&[&files.flag("one")]).await;
    app.user(ADA).await;

    let dump = stored(&app).await;

    assert!(dump.contains(KEYIDS[0]), "{dump}");
    let recipe = Recipe::new(64, 1, 1).unwrap();
    let guess = |recipe: &Recipe, hash: &str| {
        recipe.verify(PASSWORD.as_bytes(), hash, &mut recipe.memory())
    };
    assert!(guess(&recipe, &dump).is_err());
    // Without the pepper's id it is a different hash.
    let without = dump.replace(&format!(",{}", KEYIDS[0]), "");
    assert_eq!(guess(&recipe, &without).unwrap(), Verdict::Wrong);
    let other = KeyRing::parse(&generate_line(1).unwrap()).unwrap();
    let other = recipe.with(Peppers::new(&other, None).unwrap()).unwrap();
    assert_eq!(guess(&other, &dump).unwrap(), Verdict::Wrong);
    let ours = Recipe::new(64, 1, 1).unwrap();
    let ring = KeyRing::read(&files.path("one")).unwrap();
    let ours = ours.with(Peppers::new(&ring, None).unwrap()).unwrap();
    assert_eq!(guess(&ours, &dump).unwrap(), Verdict::Right);
}

#[tokio::test]
async fn a_service_that_lost_the_pepper_fails_and_calls_no_password_wrong() {
    let files = Files::new();
    let app = App::start_with(&[&files.flag("one")]).await;
    app.user(ADA).await;

    for lost in [
        app.replica().await,
        app.replica_with(&[&files.flag("two")]).await,
    ] {
        // More often than wrong passwords are checked.
        for password in [PASSWORD, "wrong-password", PASSWORD, "wrong", PASSWORD] {
            let refused = lost.log_in(ADA, password).await.unwrap_err();
            assert_eq!(refused.code(), Code::Internal);
        }
    }

    app.log_in(ADA, PASSWORD).await.unwrap();
    assert!(!app.audit().await.contains(&"log_in_failed".to_owned()));
}

#[tokio::test]
async fn a_log_in_takes_the_hash_to_the_newest_pepper() {
    let files = Files::new();
    let app = App::start().await;
    app.user(ADA).await;
    assert!(!stored(&app).await.contains("keyid"));

    let first = app.replica_with(&[&files.flag("one")]).await;
    first.log_in(ADA, PASSWORD).await.unwrap();
    assert!(stored(&app).await.contains(KEYIDS[0]));

    let both = app.replica_with(&[&files.flag("both")]).await;
    both.log_in(ADA, PASSWORD).await.unwrap();
    assert!(stored(&app).await.contains(KEYIDS[1]));

    // Nothing needs the first pepper any more.
    let second = app.replica_with(&[&files.flag("two")]).await;
    second.log_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(
        refusal(second.log_in(ADA, "wrong").await),
        "INVALID_CREDENTIALS"
    );
}

#[tokio::test]
async fn a_pepper_can_be_known_to_all_before_any_uses_it_and_be_given_up() {
    let files = Files::new();
    let app = App::start_with(&[&files.flag("one")]).await;
    app.user(ADA).await;

    let knows = [&*files.flag("both"), "--password-pepper-kid=1"];
    app.replica_with(&knows)
        .await
        .log_in(ADA, PASSWORD)
        .await
        .unwrap();
    assert!(stored(&app).await.contains(KEYIDS[0]));

    let gives_up = [&*files.flag("both"), "--password-pepper-kid=0"];
    app.replica_with(&gives_up)
        .await
        .log_in(ADA, PASSWORD)
        .await
        .unwrap();
    assert!(!stored(&app).await.contains("keyid"));
    app.replica().await.log_in(ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_email_is_a_wrong_password_with_a_pepper_too() {
    let files = Files::new();
    let app = App::start_with(&[&files.flag("both")]).await;
    app.user(ADA).await;

    for email in [ADA, "bob@example.org"] {
        let answer = app.log_in(email, "wrong").await;
        assert_eq!(refusal(answer), "INVALID_CREDENTIALS");
    }
}
