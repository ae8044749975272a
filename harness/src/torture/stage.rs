//! The system under torture: two replicas of each service on a private database, with a proxy
//! on every hop.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use embedded_postgres::Folder;
use tempfile::TempDir;

use super::config::TortureConfig;
use super::proxy::{Proxy, Upstream};
use crate::config::UpConfig;
use crate::error::{Error, OrPath, Result};
use crate::keys;
use crate::stop::Stop;
use crate::up::build::{self, Programs};
use crate::up::{Database, Service, Spec};

/// One replica of each service, and the proxies around them.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) auth: Service,
    pub(super) contacts: Service,
    /// From clients to the services.
    pub(super) to_auth: Proxy,
    pub(super) to_contacts: Proxy,
    /// From the services to the database.
    pub(super) auth_to_database: Proxy,
    pub(super) contacts_to_database: Proxy,
    /// From contacts to auth.
    pub(super) contacts_to_auth: Proxy,
}

/// Everything that runs.
pub(super) struct Stage {
    pub(super) sides: [Side; 2],
    /// The services' database, as the superuser reaches it without a proxy.
    pub(super) database_url: String,
    database: Database,
    _data: TempDir,
}

impl Stage {
    /// Builds and starts everything.
    pub(super) async fn set(config: &TortureConfig) -> Result<Self> {
        let programs = build::programs(config.cargo.as_deref()).await?;
        let data = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .or_path("make", Path::new("a folder"))?;
        // A kept folder: in an ephemeral one commits do not wait for the disk.
        let system = UpConfig::in_folder(data.path().join("data"));
        let folder = Folder::kept(&data.path().join("data"))?;
        let database = Database::start(&system, folder).await?;
        database.migrate(&programs.auth).await?;
        let (database_url, socket_dir) = database
            .own_as(crate::up::database::NAME)
            .ok_or(Error::NotOwn)?;
        let builder = Builder {
            programs: &programs,
            folder: database.folder(),
            socket: socket_dir.join(".s.PGSQL.5432"),
        };
        let sides = [builder.side(0).await?, builder.side(1).await?];
        Ok(Self {
            sides,
            database_url,
            database,
            _data: data,
        })
    }

    /// The database server's process.
    pub(super) fn database_pid(&self) -> Option<u32> {
        self.database.pid()
    }

    /// The services that have ended by themselves.
    pub(super) async fn ended(&mut self) -> Vec<String> {
        let mut ended = Vec::new();
        for (number, side) in self.sides.iter_mut().enumerate() {
            for service in [&mut side.auth, &mut side.contacts] {
                if service.has_ended() {
                    let output = service.last_output().await;
                    ended.push(format!("{} {number} ended: {output}", service.name()));
                }
            }
        }
        ended
    }

    /// Stops everything.
    pub(super) async fn strike(self, stop: &mut Stop) {
        for mut side in self.sides {
            let mut other_stop = stop.clone();
            tokio::join!(side.auth.stop(stop), side.contacts.stop(&mut other_stop));
        }
        self.database.stop().await;
    }
}

struct Builder<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    socket: PathBuf,
}

impl Builder<'_> {
    async fn side(&self, number: usize) -> Result<Side> {
        let secret = keys::ensure_secret(self.folder, "contacts.secret")?;
        let auth_to_database = self.database_proxy().await?;
        let spec = self.spec("auth", number, &self.programs.auth, &auth_to_database)?;
        let auth = Service::start(
            spec.with("CONTACTS_SECRET_FILE", &secret)
                // The cheapest hash: what is tortured is around it.
                .with("ARGON2_MEMORY_KIB", "64")
                .with("LOG_IN_ADDRESS_FAILURES", "0")
                .with("ACCESS_TOKEN_TTL_SECONDS", "3600"),
        )
        .await?;
        let contacts_to_auth = Proxy::start(Upstream::Tcp(auth.address())).await?;
        let contacts_to_database = self.database_proxy().await?;
        let program = &self.programs.contacts;
        let spec = self.spec("contacts", number, program, &contacts_to_database)?;
        let contacts = Service::start(
            spec.with("AUTH_SECRET_FILE", &secret)
                .with("AUTH_URL", format!("http://{}", contacts_to_auth.address()))
                // Only so there is a bound after which a revoked token is refused.
                .with("REVOCATION_MODE", "closed")
                .with("REVOCATION_SILENCE_SECONDS", "5"),
        )
        .await?;
        Ok(Side {
            to_auth: Proxy::start(Upstream::Tcp(auth.address())).await?,
            to_contacts: Proxy::start(Upstream::Tcp(contacts.address())).await?,
            auth,
            contacts,
            auth_to_database,
            contacts_to_database,
            contacts_to_auth,
        })
    }

    async fn database_proxy(&self) -> Result<Proxy> {
        Proxy::start(Upstream::Unix(self.socket.clone())).await
    }

    fn spec(
        &self,
        name: &'static str,
        number: usize,
        program: &Path,
        database: &Proxy,
    ) -> Result<Spec> {
        let address = database.address();
        let url = format!("postgres://{name}_service@{address}/addressbook?sslmode=disable");
        let spec = Spec {
            name,
            program: program.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            listen_flag: "",
            address_file: self.folder.join(format!("{name}-{number}.address")),
            settings: vec![("RATE_LIMITS", "off".into()), ("RUST_LOG", "off".into())],
        };
        Ok(spec
            .with("DATABASE_URL", url)
            .with("SECRET_KEYS_FILE", self.keys(name)?))
    }

    fn keys(&self, name: &str) -> Result<PathBuf> {
        keys::ensure(self.folder, &format!("{name}.keys"))
    }
}
