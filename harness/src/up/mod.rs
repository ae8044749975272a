//! `cargo dev up`: builds, starts and keeps the system running.

pub(crate) mod build;
mod console;
pub(crate) mod database;
mod hints;
mod service;
mod supervise;

use std::path::Path;

use embedded_postgres::Folder;

use self::build::Programs;
use self::database::AUTH_ROLE;
pub(crate) use self::database::Database;
pub(crate) use self::service::{Service, Spec};
use crate::config::{UpConfig, tls_variable};
use crate::error::{Error, OrPath, Result};
use crate::stop::Stop;
use crate::{keys, print, seed};

/// The file of the secret with which the contacts service authenticates at the auth
/// service.
const SECRET: &str = "contacts.secret";

/// Runs until a signal asks to stop, which is not an error.
pub async fn run(config: UpConfig) -> Result<()> {
    let mut stop = Stop::on_signals().or_path("watch", Path::new("signals"))?;
    let system = tokio::select! {
        system = start(&config) => system?,
        () = stop.requested() => return Ok(()),
    };
    hints::say_addresses(&system, &config);

    let seeding = config.seed.map(|count| tokio::spawn(seed(count, &system)));
    let result = supervise::until_stopped(system, stop).await;
    if let Some(seeding) = seeding {
        seeding.abort();
    }
    result
}

/// All parts, running.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) auth: Service,
    pub(crate) contacts: Service,
    /// The last field, because the database must stop after those that use it.
    pub(crate) database: Database,
}

impl System {
    /// Stops all parts; a second signal meanwhile kills them.
    pub(crate) async fn stop(mut self, stop: &mut Stop) {
        let mut other_stop = stop.clone();
        tokio::join!(self.auth.stop(stop), self.contacts.stop(&mut other_stop));
        self.database.stop().await;
    }
}

pub(crate) async fn start(config: &UpConfig) -> Result<System> {
    if let Some(name) = tls_variable() {
        return Err(Error::NoTls(name));
    }
    let programs = build::programs(config.cargo.as_deref()).await?;
    let folder = folder(config)?;
    let dir = folder.path().to_owned();
    print::say(format_args!("data folder: {}", dir.display()));
    let database = Database::start(config, folder).await?;
    database.migrate(&programs.auth).await?;

    let (auth, contacts) = services(config, &database, &programs, &dir).await?;
    Ok(System {
        auth,
        contacts,
        database,
    })
}

/// Starts another pair on the system's database, from another folder's programs or our
/// own. It writes its addresses to files in `addresses`.
pub(crate) async fn start_beside(
    config: &UpConfig,
    system: &System,
    programs: Option<&Path>,
    addresses: &Path,
) -> Result<(Service, Service)> {
    std::fs::create_dir_all(addresses).or_path("make", addresses)?;
    let programs = match programs {
        Some(folder) => build::found_in(folder)?,
        None => build::programs(None).await?,
    };
    services(config, &system.database, &programs, addresses).await
}

async fn services(
    config: &UpConfig,
    database: &Database,
    programs: &Programs,
    addresses: &Path,
) -> Result<(Service, Service)> {
    let dir = database.folder();
    // An empty variable counts as one that is not set.
    let rate_limits = Some(&*config.rate_limits).filter(|limits| *limits != "default");
    let rate_limits = rate_limits.unwrap_or_default();
    let spec = |name: &'static str, program: &Path, listen, listen_flag| Spec {
        name,
        program: program.to_owned(),
        listen,
        listen_flag,
        address_file: addresses.join(format!("{name}.address")),
        settings: config
            .log_format
            .iter()
            .map(|format| ("LOG_FORMAT", format.into()))
            .chain([("RATE_LIMITS", rate_limits.into())])
            .chain(config.log_filter.map(|filter| ("RUST_LOG", filter.into())))
            .collect(),
    };
    let mut auth = spec("auth", &programs.auth, config.auth_listen, "--auth-listen")
        .with("DATABASE_URL", database.url_for(AUTH_ROLE))
        .with("SECRET_KEYS_FILE", keys::ensure(dir, "auth.keys")?)
        .with("CONTACTS_SECRET_FILE", keys::ensure_secret(dir, SECRET)?);
    if config.mail {
        auth = auth.with("MAIL_FOLDER", dir.join("mail"));
    }
    if !config.allowed_origins.is_empty() {
        auth = auth.with("ALLOWED_ORIGINS", &config.allowed_origins);
    }
    if let Some(url) = console::contacts_url(config) {
        auth = auth.with("CONSOLE_CONTACTS_URL", url);
    }
    if let Some(addr) = config.metrics_addr {
        auth = auth.with("METRICS_ADDR", addr.to_string());
    }
    let auth = Service::start(auth).await?;
    let (program, listen) = (&programs.contacts, config.contacts_listen);
    let mut contacts = spec("contacts", program, listen, "--contacts-listen")
        .with("DATABASE_URL", database.url_for("contacts_service"))
        .with("SECRET_KEYS_FILE", keys::ensure(dir, "contacts.keys")?)
        .with("AUTH_SECRET_FILE", keys::ensure_secret(dir, SECRET)?)
        .with("AUTH_URL", auth.url())
        .with("ALLOWED_ORIGINS", console::origins(config, auth.address()));
    if let Some(addr) = config.contacts_metrics_addr() {
        contacts = contacts.with("METRICS_ADDR", addr.to_string());
    }
    if let Some(quota) = config.contact_quota {
        let bytes = i64::from(quota).saturating_mul(64 * 1024);
        contacts = contacts
            .with("CONTACT_QUOTA", quota.to_string())
            .with("CONTACT_BYTES_QUOTA", bytes.to_string());
    }
    let contacts = Service::start(contacts).await?;
    Ok((auth, contacts))
}

fn folder(config: &UpConfig) -> Result<Folder> {
    if config.ephemeral {
        return Ok(Folder::ephemeral()?);
    }
    let dir = config.place.kept_dir().ok_or(Error::NoHome)?;
    Ok(Folder::kept(&dir)?)
}

/// Creates the demo data in the running system; a failure is printed, and the system
/// keeps running.
fn seed(count: u32, system: &System) -> impl Future<Output = ()> + use<> {
    let target = seed::Target {
        auth_url: system.auth.url(),
        contacts_url: system.contacts.url(),
        password_file: system.database.folder().join("demo-password"),
    };
    let addresses = [system.auth.address(), system.contacts.address()];
    async move {
        match seed::run(&target, count).await {
            Ok(demo) => hints::say_demo(addresses, &demo),
            Err(error) => print::problem(&error),
        }
    }
}
