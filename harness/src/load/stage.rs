//! What a load needs: running services, data, and subjects to compare with.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::cpu::{Process, Processes};
use super::peers::Peers;
use super::pgbench::Pgbench;
use super::subject::{Pair, Subject};
use super::world::{Addresses, World};
use crate::config::UpConfig;
use crate::error::{Error, OrPath, Result};
use crate::load::config::LoadConfig;
use crate::stop::Stop;
use crate::up::{self, Service, System};

/// Everything that runs.
pub(super) struct Stage {
    /// Our services come first.
    pub(super) subjects: Vec<Subject>,
    /// `None` if the services were already running.
    pub(super) system: Option<System>,
    other: Option<(Service, Service)>,
    config: LoadConfig,
    data: TempDir,
}

impl Stage {
    /// Starts what a load needs, with persistent data, so that a commit waits for the
    /// disk as in production.
    pub(super) async fn set(config: &LoadConfig) -> Result<Self> {
        let data = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .or_path("make", Path::new("a folder"))?;
        let mut stage = Self {
            subjects: Vec::new(),
            system: None,
            other: None,
            config: config.clone(),
            data,
        };
        if let (Some(auth), Some(contacts)) = (config.auth_at, config.contacts_at) {
            stage
                .use_given(config, Addresses { auth, contacts })
                .await?;
        } else {
            stage.start(config).await?;
        }
        Ok(stage)
    }

    /// Our own services.
    pub(super) fn pair(&self) -> &Pair {
        let mut subjects = self.subjects.iter();
        let pair = subjects.find_map(|subject| match subject {
            Subject::Pair(pair) => Some(pair),
            _ => None,
        });
        #[expect(clippy::expect_used, reason = "both ways to set a stage begin with it")]
        pair.expect("a stage has a pair")
    }

    /// The system that was started for the load.
    pub(super) fn system(&self) -> Result<&System> {
        self.system.as_ref().ok_or(Error::NotOwn)
    }

    /// Starts another pair of the same programs.
    pub(super) async fn start_another(&self) -> Result<(Service, Service)> {
        self.start_more(false).await
    }

    /// Starts a pair that writes mail into a folder; its log is reduced, because it would
    /// be full of mail.
    pub(super) async fn start_with_mail(&self) -> Result<(Service, Service)> {
        self.start_more(true).await
    }

    async fn start_more(&self, mail: bool) -> Result<(Service, Service)> {
        let system = self.system()?;
        let config = UpConfig {
            mail,
            log_filter: mail.then_some("error"),
            ..self.config.system(self.data.path().join("data"))
        };
        let addresses = self.data.path().join("another");
        up::start_beside(&config, system, None, &addresses).await
    }

    /// Stops all that was started.
    pub(super) async fn strike(self, stop: &mut Stop) {
        drop(self.subjects);
        if let Some((mut auth, mut contacts)) = self.other {
            let mut other_stop = stop.clone();
            tokio::join!(auth.stop(stop), contacts.stop(&mut other_stop));
        }
        if let Some(system) = self.system {
            system.stop(stop).await;
        }
    }

    async fn use_given(&mut self, config: &LoadConfig, at: Addresses) -> Result<()> {
        let world = World::fill(at, config.owners, config.contacts).await?;
        let processes = |pid: Option<u32>| Processes {
            service: pid.map(Process).into_iter().collect(),
            postgres: config.postgres_pid.map(Process),
        };
        self.subjects.push(Subject::Pair(Pair {
            name: "addressbook".to_owned(),
            world: Arc::new(world),
            auth: processes(config.auth_pid),
            contacts: processes(config.contacts_pid),
        }));
        Ok(())
    }

    async fn start(&mut self, config: &LoadConfig) -> Result<()> {
        let up = config.system(self.data.path().join("data"));
        let system = self.system.insert(up::start(&up).await?);
        let world = World::fill(
            at(&system.auth, &system.contacts),
            config.owners,
            config.contacts,
        )
        .await?;
        if !config.no_analyze {
            system.database.analyze().await?;
        }
        let postgres = system.database.pid().map(Process);
        let processes = |service: &Service| Processes {
            service: service.pid().map(Process).into_iter().collect(),
            postgres,
        };
        let pair = |name: &str, world: World, auth: &Service, contacts: &Service| {
            Subject::Pair(Pair {
                name: name.to_owned(),
                world: Arc::new(world),
                auth: processes(auth),
                contacts: processes(contacts),
            })
        };
        let ours = pair("addressbook", world.clone(), &system.auth, &system.contacts);
        self.subjects.push(ours);

        if let Some(programs) = &config.compare {
            let folder = self.data.path().join("other");
            let (auth, contacts) = up::start_beside(&up, system, Some(programs), &folder).await?;
            let world = world.behind(at(&auth, &contacts));
            self.subjects.push(pair("other", world, &auth, &contacts));
            self.other = Some((auth, contacts));
        }
        if !config.no_pgbench {
            let pgbench = Pgbench::prepare(&system.database, &world).await?;
            let processes = Processes {
                service: Vec::new(),
                postgres,
            };
            self.subjects.push(Subject::Pgbench(pgbench, processes));
        }
        if !config.peers.is_empty() {
            let tools = &config.peer_tools;
            let peers =
                Peers::prepare(&system.database, tools, config.owners, config.contacts).await?;
            let peers = Arc::new(peers);
            for &stack in &config.peers {
                let peer = peers.start(stack).await?;
                let processes = Processes {
                    service: peer.process().into_iter().collect(),
                    postgres,
                };
                let peer = Subject::Peer(Arc::clone(&peers), peer, processes);
                self.subjects.push(peer);
            }
        }
        Ok(())
    }
}

fn at(auth: &Service, contacts: &Service) -> Addresses {
    Addresses {
        auth: auth.address(),
        contacts: contacts.address(),
    }
}
