//! A service that is killed between the commit of a refresh and its response.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use embedded_postgres::TestDatabase;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{
    LogInRequest, RefreshTokenRequest, RefreshTokenResponse, SignUpRequest, log_in_response,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tonic::Status;
use tonic::transport::Channel;

use testing::migrated;

use crate::app::{PASSWORD, admin, endpoint, in_time};

/// A proxy between the service and PostgreSQL that can withhold the response to an
/// UPDATE, which PostgreSQL sends after the commit.
struct Between {
    folder: TempDir,
    keeps: AtomicBool,
    kept: Notify,
}

impl Between {
    fn start(server: PathBuf) -> Arc<Self> {
        let between = Arc::new(Self {
            folder: tempfile::tempdir().unwrap(),
            keeps: AtomicBool::new(false),
            kept: Notify::new(),
        });
        let listener = UnixListener::bind(between.folder.path().join(server.file_name().unwrap()));
        let (listener, this) = (listener.unwrap(), Arc::clone(&between));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.unwrap();
                tokio::spawn(Arc::clone(&this).carry(client, server));
            }
        });
        between
    }

    async fn carry(self: Arc<Self>, client: UnixStream, server: UnixStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let asks = tokio::io::copy(&mut from_client, &mut to_server);
        let answers = async {
            let mut chunk = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from_server.read(&mut chunk).await {
                let is_update = chunk[..length].windows(9).any(|tag| tag == b"UPDATE 1\0");
                if is_update && self.keeps.load(Ordering::SeqCst) {
                    self.kept.notify_one();
                    std::future::pending::<()>().await;
                }
                if to_client.write_all(&chunk[..length]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            _ = asks => {}
            () = answers => {}
        }
    }
}

/// The program with a database URL.
struct Program {
    url: String,
    folder: TempDir,
}

impl Program {
    async fn start(&self) -> (Child, AuthServiceClient<Channel>) {
        let address_file = self.folder.path().join("address");
        let _ = std::fs::remove_file(&address_file);
        let child = Command::new(env!("CARGO_BIN_EXE_auth-service"))
            .env_clear()
            .kill_on_drop(true)
            .args(["--listen-addr=127.0.0.1:0", "--argon2-memory-kib=64"])
            .env("DATABASE_URL", &self.url)
            .env("SECRET_KEYS_FILE", self.folder.path().join("keys"))
            .env("ADDRESS_FILE", &address_file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let address = in_time("the service writes no address", async || {
            let text = std::fs::read_to_string(&address_file).ok()?;
            Some(text.trim().to_owned())
        })
        .await;
        let channel = endpoint(&address).connect().await.unwrap();
        (child, AuthServiceClient::new(channel))
    }
}

async fn first_token(auth: &mut AuthServiceClient<Channel>) -> String {
    let (email, password) = ("ada@example.org".to_owned(), PASSWORD.to_owned());
    let request = SignUpRequest {
        email: email.clone(),
        password: password.clone(),
        ..SignUpRequest::default()
    };
    auth.sign_up(request).await.unwrap();
    let request = LogInRequest {
        email,
        password,
        ..LogInRequest::default()
    };
    match auth.log_in(request).await.unwrap().into_inner().result {
        Some(log_in_response::Result::Tokens(tokens)) => tokens.refresh_token,
        other => unreachable!("{other:?}"),
    }
}

async fn refresh(
    auth: &mut AuthServiceClient<Channel>,
    token: &str,
) -> Result<RefreshTokenResponse, Status> {
    let request = RefreshTokenRequest {
        refresh_token: token.to_owned(),
        ..RefreshTokenRequest::default()
    };
    Ok(auth.refresh_token(request).await?.into_inner())
}

fn url_through(database: &TestDatabase, real: &Path, between: &Path) -> String {
    let encoded = |path: &Path| path.display().to_string().replace('/', "%2F");
    let url = database.url("auth_service");
    let through = url.replace(&encoded(real), &encoded(between));
    assert_ne!(through, url);
    through
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_between_commit_and_answer_log_nobody_out() {
    let database = migrated().await;
    let options = database.connect_options("auth_service");
    let sockets = options.get_socket().unwrap().clone();
    let between = Between::start(sockets.join(format!(".s.PGSQL.{}", options.get_port())));
    let program = Program {
        url: url_through(&database, &sockets, between.folder.path()),
        folder: tempfile::tempdir().unwrap(),
    };
    let line = chassis::settings::keyring::generate_line(1).unwrap();
    chassis::settings::secret_file::write(&program.folder.path().join("keys"), &line).unwrap();
    let db = admin(&database).await;
    let (mut service, mut auth) = program.start().await;
    let mut token = first_token(&mut auth).await;

    for number in 1..=50 {
        between.keeps.store(true, Ordering::SeqCst);
        let pending = tokio::spawn({
            let (mut auth, token) = (auth.clone(), token.clone());
            async move { refresh(&mut auth, &token).await }
        });
        between.kept.notified().await;
        let committed: i64 = sqlx::query_scalar("SELECT gen FROM auth.sessions")
            .fetch_one(&db)
            .await
            .unwrap();
        assert_eq!(committed, number);
        service.kill().await.unwrap();
        pending.await.unwrap().unwrap_err();

        between.keeps.store(false, Ordering::SeqCst);
        (service, auth) = program.start().await;
        let answer = refresh(&mut auth, &token).await.unwrap();
        assert!(answer.replayed);
        token = answer.tokens.unwrap().refresh_token;
    }
}
