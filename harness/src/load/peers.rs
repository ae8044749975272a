//! Servers of other stacks that do the same work on the same data (see `peers/`).

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use embedded_postgres::{Signal, spawn_tied_async};
use sqlx::{Connection, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::cpu::Process;
use super::peer_calls::PeerCaller;
use crate::clock;
use crate::error::{Error, OrPath, Result};
use crate::seed::plain;
use crate::up::Database;

/// Another stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[expect(
    clippy::doc_markdown,
    reason = "the command's help shows these comments"
)]
pub enum Stack {
    /// FastAPI, SQLAlchemy's ORM, psycopg2
    FastapiSync,
    /// FastAPI, SQLAlchemy's async ORM, asyncpg
    FastapiAsync,
    /// grpc.aio, asyncpg
    PythonGrpc,
    /// @grpc/grpc-js, pg
    NodeGrpc,
    /// grpc-go, pgx
    GoGrpc,
    /// tonic, sqlx's own pool
    RustGrpc,
}

impl Stack {
    /// Their names on the command line.
    pub const NAMES: [&str; 6] = [
        "fastapi-sync",
        "fastapi-async",
        "python-grpc",
        "node-grpc",
        "go-grpc",
        "rust-grpc",
    ];

    pub(super) fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it uses HTTP/1.1 and JSON.
    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::FastapiSync | Self::FastapiAsync)
    }

    fn command(self, tools: &Path, port: u16) -> Command {
        let uvicorn = |folder: &str| {
            let mut command = Command::new(tools.join("python/bin/uvicorn"));
            command
                .args([
                    "app:app",
                    "--no-access-log",
                    "--log-level",
                    "warning",
                    "--workers",
                    "2",
                ])
                .arg("--port")
                .arg(port.to_string())
                .arg("--app-dir")
                .arg(peers().join(folder));
            command
        };
        let program = |program: PathBuf, script: Option<&str>| {
            let mut command = Command::new(program);
            command
                .args(script.map(|script| peers().join(script)))
                .arg(port.to_string());
            command
        };
        match self {
            Self::FastapiSync => uvicorn("fastapi_sync"),
            Self::FastapiAsync => uvicorn("fastapi_async"),
            Self::PythonGrpc => program(
                tools.join("python/bin/python"),
                Some("grpcio_asyncpg/server.py"),
            ),
            Self::NodeGrpc => program("node".into(), Some("node_grpc/server.js")),
            Self::GoGrpc => program(tools.join("go_peer"), None),
            Self::RustGrpc => program(tools.join("rust_peer"), None),
        }
    }
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers")
}

/// One owner's token and contacts.
pub(super) struct PeerUser {
    pub(super) token: String,
    pub(super) contacts: Vec<Uuid>,
}

/// The peers' database, and the files that they need to run.
pub(super) struct Peers {
    pub(super) users: Vec<PeerUser>,
    tools: PathBuf,
    secret: PathBuf,
    socket_dir: PathBuf,
}

const DATABASE: &str = "peers";

impl Peers {
    /// Installs the peers, and fills a database for them with so many contacts of
    /// so many owners.
    pub(super) async fn prepare(
        database: &Database,
        tools: &Path,
        owners: u32,
        contacts: u32,
    ) -> Result<Self> {
        let tools = std::path::absolute(tools).or_path("find", tools)?;
        install(&tools).await?;
        let Some((url, socket_dir)) = database.own_as(DATABASE) else {
            return Err(Error::NotOwn);
        };
        database.create(DATABASE).await?;
        let mut db = PgConnection::connect(&url).await?;
        let schema = peers().join("schema.sql");
        let sql = fs::read_to_string(&schema).or_path("read", &schema)?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut db)
            .await?;

        let secret = format!("{:032x}", fastrand::u128(..));
        let mut users = Vec::new();
        for _ in 0..owners {
            let owner = Uuid::now_v7();
            users.push(PeerUser {
                token: token(&secret, owner),
                contacts: fill(&mut db, owner, contacts).await?,
            });
        }
        sqlx::raw_sql("ANALYZE").execute(&mut db).await?;
        db.close().await?;
        let secret_file = tools.join("hs.key");
        chassis::settings::secret_file::write(&secret_file, &secret)
            .or_path("write", &secret_file)?;
        Ok(Self {
            users,
            tools,
            secret: secret_file,
            socket_dir,
        })
    }

    /// Starts a peer, and waits until it responds.
    pub(super) async fn start(&self, stack: Stack) -> Result<Peer> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let address = free.and_then(|free| free.local_addr());
        let address = address.or_path("find", "a free port".as_ref())?;
        let mut command = stack.command(&self.tools, address.port());
        command
            .env("PGHOST", &self.socket_dir)
            .env("PGUSER", embedded_postgres::SUPERUSER)
            .env("PGDATABASE", DATABASE)
            .env("HSKEY", &self.secret)
            .env("PROCS", "2")
            .env("NODE_PATH", self.tools.join("node_modules"))
            .env("PYTHONPATH", self.tools.join("generated"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let program = PathBuf::from(command.get_program());
        let child = spawn_tied_async(command, Signal::SIGTERM).or_path("run", &program)?;
        let peer = Peer {
            stack,
            address,
            child,
        };
        peer.until_ready(&self.users[0]).await?;
        Ok(peer)
    }
}

/// A running peer; stopped on drop.
pub(super) struct Peer {
    pub(super) stack: Stack,
    pub(super) address: SocketAddr,
    child: Child,
}

impl Peer {
    pub(super) fn process(&self) -> Option<Process> {
        self.child.id().map(Process)
    }

    /// Waits until several calls in a row succeed, because one of the peer's two
    /// processes may still be starting.
    async fn until_ready(&self, user: &PeerUser) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let answered = async {
                for _ in 0..4 {
                    PeerCaller::probe(self.stack, self.address, user).await?;
                }
                Ok(())
            };
            match answered.await {
                Ok(()) => return Ok(()),
                Err(failure) if Instant::now() > until => return Err(failure),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let Some(pid) = self.child.id() else { return };
        // Kills its workers, too, because it cannot stop them itself when it is killed.
        let group = nix::unistd::Pid::from_raw(pid.cast_signed());
        let _ = nix::sys::signal::killpg(group, Signal::SIGKILL);
    }
}

async fn install(tools: &Path) -> Result<()> {
    let script = peers().join("install");
    let status = tokio::process::Command::new(&script)
        .arg(tools)
        .kill_on_drop(true)
        .status()
        .await
        .or_path("run", &script)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Failed {
            program: "peers/install",
            status,
            output: String::new(),
        })
    }
}

/// The contacts of one owner, the same as in our own services.
async fn fill(db: &mut PgConnection, owner: Uuid, count: u32) -> Result<Vec<Uuid>> {
    let today = clock::today();
    let contacts: Vec<_> = (0..count).map(|number| plain(number, today)).collect();
    let ids: Vec<Uuid> = contacts.iter().map(|_| Uuid::now_v7()).collect();
    let column = |of: fn(&proto::contacts::v1::Contact) -> String| -> Vec<String> {
        contacts.iter().map(of).collect()
    };
    let birthdays = column(|contact| {
        let date = contact.birthday.unwrap_or_default();
        format!("{:04}-{:02}-{:02}", date.year.max(1), date.month, date.day)
    });
    sqlx::query(
        "INSERT INTO contacts
             (owner_id, id, given_name, family_name, email, phone, birthday, notes)
         SELECT $1, id, given, family, email, phone, birthday::date, notes
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[])
              AS new (id, given, family, email, phone, birthday, notes)",
    )
    .bind(owner)
    .bind(&ids)
    .bind(column(|contact| contact.given_name.clone()))
    .bind(column(|contact| contact.family_name.clone()))
    .bind(column(|contact| contact.emails[0].address.clone()))
    .bind(column(|contact| contact.phones[0].number.clone()))
    .bind(birthdays)
    .bind(column(|contact| contact.notes.clone()))
    .execute(db)
    .await?;
    Ok(ids)
}

/// A JWT with HS256 (RFC 7515) for a day.
fn token(secret: &str, owner: Uuid) -> String {
    let encode = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let now = clock::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let header = encode(serde_json::json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = encode(serde_json::json!({
        "iss": "https://auth.example", "aud": "contacts", "sub": owner,
        "iat": now, "exp": now + 86_400,
    }));
    let signed = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}
