//! Two services of each kind on one database, with all their output recorded.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chassis::settings::keyring::generate_line;
use chassis::settings::secret_file;
use embedded_postgres::TestDatabase;
use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::admin_service_client::AdminServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::service_token_service_client::ServiceTokenServiceClient;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use tempfile::TempDir;
use testing::migrated;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::mailbox::Mailbox;

/// The contacts service's secret, to subscribe to revocations.
pub(crate) const PROGRAM_SECRET: &str = "a-canary-that-watches-what-is-revoked-0123456789abcdef";

/// The clients of one auth service and one contacts service.
#[derive(Clone)]
pub(crate) struct Side {
    pub(crate) auth: AuthServiceClient<Channel>,
    pub(crate) account: AccountServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) programs: ServiceTokenServiceClient<Channel>,
    pub(crate) book: ContactsServiceClient<Channel>,
    /// For further clients of the auth service.
    pub(crate) accounts: Channel,
    /// For further clients of the contacts service.
    pub(crate) contacts: Channel,
}

pub(crate) struct Pair {
    pub(crate) sides: [Side; 2],
    pub(crate) mailbox: Mailbox,
    pub(crate) database: TestDatabase,
    programs: Vec<Program>,
    files: TempDir,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        Self::start_with([&[], &[]]).await
    }

    /// With more settings for the services of each side.
    pub(crate) async fn start_with(more: [&[(&'static str, &str)]; 2]) -> Self {
        let database = Self::database().await;
        let url = |role: &str| database.url(role);
        Self::start_on(database.clone(), &url, more).await
    }

    /// A database on which every migration ran.
    pub(crate) async fn database() -> TestDatabase {
        migrated().await
    }

    /// On this database, which the services reach with the URL of their role.
    pub(crate) async fn start_on(
        database: TestDatabase,
        url: &dyn Fn(&str) -> String,
        more: [&[(&'static str, &str)]; 2],
    ) -> Self {
        let (files, mailbox) = (tempfile::tempdir().unwrap(), Mailbox::open());
        for name in ["auth.keys", "contacts.keys", "pepper.keys"] {
            let line = generate_line(1).unwrap();
            secret_file::write(&files.path().join(name), &line).unwrap();
        }
        secret_file::write(&files.path().join("secret"), PROGRAM_SECRET).unwrap();
        let (mut programs, mut sides) = (Vec::new(), Vec::new());
        for (number, more) in more.into_iter().enumerate() {
            let mut settings = auth_settings(files.path(), &mailbox);
            settings.push(("DATABASE_URL", url("auth_service")));
            settings.extend(owned(more));
            let name = format!("auth-service-{number}");
            let (auth, auth_channel) = Program::start(&name, files.path(), &settings).await;
            let mut settings = contacts_settings(files.path());
            settings.push(("DATABASE_URL", url("contacts_service")));
            settings.push(("AUTH_URL", format!("http://{}", auth.address)));
            settings.extend(owned(more));
            let name = format!("contacts-service-{number}");
            let (contacts, channel) = Program::start(&name, files.path(), &settings).await;
            programs.extend([auth, contacts]);
            sides.push(Side {
                auth: AuthServiceClient::new(auth_channel.clone()),
                account: AccountServiceClient::new(auth_channel.clone()),
                admin: AdminServiceClient::new(auth_channel.clone()),
                programs: ServiceTokenServiceClient::new(auth_channel.clone()),
                accounts: auth_channel,
                book: ContactsServiceClient::new(channel.clone()),
                contacts: channel,
            });
        }
        let sides = sides.try_into().unwrap_or_else(|_| unreachable!("two"));
        Self {
            sides,
            mailbox,
            database,
            programs,
            files,
        }
    }

    /// The services in turn.
    pub(crate) fn side(&self, number: usize) -> Side {
        self.sides[number % 2].clone()
    }

    /// All services.
    pub(crate) fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// Another service on the same database, which may never be ready: named by its
    /// program and a number from 2 on, with more settings.
    pub(crate) async fn further(
        &self,
        name: &str,
        more: &[(&'static str, &str)],
    ) -> (Program, Channel) {
        Program::listening(name, self.files.path(), &self.settings(name, more)).await
    }

    /// Like `further`, for one that exits; returns all that it wrote.
    pub(crate) async fn refused(&self, name: &str, more: &[(&'static str, &str)]) -> String {
        let program = Program::run(name, self.files.path(), &self.settings(name, more));
        until(&format!("{name} ends"), async || {
            let log = program.log();
            log.contains("the program failed").then_some(log)
        })
        .await
    }

    fn settings(&self, name: &str, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let files = self.files.path();
        let (role, mut settings) = if name.starts_with("auth") {
            ("auth_service", auth_settings(files, &self.mailbox))
        } else {
            let mut settings = contacts_settings(files);
            settings.push(("AUTH_URL", format!("http://{}", self.programs[0].address)));
            ("contacts_service", settings)
        };
        settings.push(("DATABASE_URL", self.database.url(role)));
        settings.extend(owned(more));
        settings
    }

    /// A service by its index: auth, contacts, then those of the other side.
    pub(crate) fn program(&self, number: usize) -> &Program {
        &self.programs[number]
    }

    /// The content of a file that only the services read.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.files.path().join(name)).unwrap()
    }

    /// Makes an account an administrator.
    pub(crate) fn make_admin(&self, email: &str) {
        let mut command = Command::new(program("auth-service"));
        let command = command
            .args([
                "make-admin",
                "--unverified",
                "--email",
                email,
                "--database-url",
            ])
            .arg(self.database.url("postgres"));
        assert!(command.output().unwrap().status.success());
    }

    /// Stops the services, and returns all that they and PostgreSQL logged.
    pub(crate) fn last_words(&mut self) -> String {
        let names: Vec<_> = self
            .programs
            .drain(..)
            .map(|program| program.log.clone())
            .collect();
        let admin = self.database.admin();
        let folder = admin.get_socket().unwrap().parent().unwrap();
        let logs = names.into_iter().chain([folder.join("postgres.log")]);
        logs.map(|log| fs::read_to_string(log).unwrap()).collect()
    }
}

fn owned<'a>(
    settings: &'a [(&'static str, &str)],
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
    settings.iter().map(owned)
}

fn auth_settings(files: &Path, mailbox: &Mailbox) -> Vec<(&'static str, String)> {
    let file = |name: &str| files.join(name).display().to_string();
    vec![
        ("SECRET_KEYS_FILE", file("auth.keys")),
        ("PASSWORD_PEPPER_FILE", file("pepper.keys")),
        ("CONTACTS_SECRET_FILE", file("secret")),
        ("SMTP_URL", format!("smtp://{}", mailbox.address)),
        ("MAIL_FROM", "noreply@example.com".to_owned()),
        ("MAIL_LINK_BASE_URL", "https://app.example.com".to_owned()),
        ("ARGON2_MEMORY_KIB", "64".to_owned()),
        ("RATE_LIMITS", "off".to_owned()),
    ]
}

fn contacts_settings(files: &Path) -> Vec<(&'static str, String)> {
    let file = |name: &str| files.join(name).display().to_string();
    vec![
        ("SECRET_KEYS_FILE", file("contacts.keys")),
        ("AUTH_SECRET_FILE", file("secret")),
        ("RATE_LIMITS", "off".to_owned()),
    ]
}

/// A running service; killed when dropped.
pub(crate) struct Program {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Program {
    /// Starts one, named by its program and a number, and waits until it serves.
    async fn start(name: &str, files: &Path, settings: &[(&str, String)]) -> (Self, Channel) {
        let (program, channel) = Self::listening(name, files, settings).await;
        until(&format!("{name} serves"), async || {
            is_serving(&program.address).await.then_some(())
        })
        .await;
        (program, channel)
    }

    /// Starts one, and waits until it listens.
    async fn listening(name: &str, files: &Path, settings: &[(&str, String)]) -> (Self, Channel) {
        let mut program = Self::run(name, files, settings);
        let address = address_file(name, files);
        program.address = until(&format!("{name} listens"), async || {
            let log = program.log();
            assert!(!log.contains("the program failed"), "{log}");
            let text = fs::read_to_string(&address).ok()?;
            Some(text.lines().next()?.to_owned())
        })
        .await;
        let url = format!("http://{}", program.address);
        let channel = Endpoint::from_shared(url).unwrap().connect_lazy();
        (program, channel)
    }

    /// Starts one. One side logs JSON and the other text, both more than in production.
    fn run(name: &str, files: &Path, settings: &[(&str, String)]) -> Self {
        let (kind, number) = name.rsplit_once('-').unwrap();
        let log = files.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let child = Command::new(program(kind))
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("ADDRESS_FILE", address_file(name, files))
            .env("RUST_LOG", "debug,h2=debug,hyper=debug,rustls=debug")
            .env("LOG_FORMAT", if number == "0" { "json" } else { "text" })
            .stdin(Stdio::null())
            .stderr(output.try_clone().unwrap())
            .stdout(output)
            .spawn()
            .unwrap();
        Self {
            child,
            address: String::new(),
            log,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its memory, in MiB.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() / 1024
    }

    /// How many connections of attackers it has open.
    pub(crate) fn attackers(&self) -> usize {
        let port: u16 = self.address.rsplit_once(':').unwrap().1.parse().unwrap();
        let local = format!("0100007F:{port:04X}");
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        // One that its process has closed has no inode.
        let open =
            rows.filter(|row| row[1] == local && row[2].starts_with("0200007F") && row[9] != "0");
        open.count()
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Whether it reports `SERVING`.
    pub(crate) async fn is_serving(&self) -> bool {
        is_serving(&self.address).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have exited, which the test has seen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file in which a service writes its address.
fn address_file(name: &str, files: &Path) -> PathBuf {
    files.join(format!("{name}.address"))
}

/// A program in the folder of `dev`.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_dev")).with_file_name(name);
    assert!(
        path.exists(),
        "{name} is not built; use `cargo test --workspace`"
    );
    path
}

async fn is_serving(address: &str) -> bool {
    let Ok(endpoint) = Endpoint::from_shared(format!("http://{address}")) else {
        return false;
    };
    let request = HealthCheckRequest::default();
    let answer = HealthClient::new(endpoint.connect_lazy())
        .check(request)
        .await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}

/// Retries until there is a result.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = timeout(Duration::from_mins(1), asking).await;
    answer.unwrap_or_else(|_| panic!("never: {what}"))
}
