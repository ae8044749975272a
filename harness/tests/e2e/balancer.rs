//! Second replicas of a system's services, and `HAProxy` in front of all four, as
//! deploy/haproxy configures it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;

use testing::until;

use crate::available::has_haproxy;
use crate::program::Program;
use crate::stack::{Stack, workspace};

/// What clients call in place of the first replicas; ended when dropped.
pub(crate) struct Balancer {
    /// Where it listens for the auth service.
    pub(crate) auth: String,
    /// Where it listens for the contacts service.
    pub(crate) contacts: String,
    haproxy: Child,
    others: Mutex<Vec<[Program; 2]>>,
}

impl Balancer {
    /// Starts it, with these settings of the services; `None` without `HAProxy`.
    pub(crate) fn start(stack: &Stack, settings: &[(&'static str, &str)]) -> Option<Self> {
        if !has_haproxy() {
            return None;
        }
        let others = replicas(stack, "second", settings);
        let first = [&*stack.auth, &*stack.contacts];
        let mut balancer = Self::over([first, [&*others[0].address, &*others[1].address]]);
        balancer.others.get_mut().unwrap().push(others);
        Some(balancer)
    }

    /// The same with replicas that [`Self::restart`] restarts in place of the first ones.
    pub(crate) fn with_own(stack: &Stack, settings: &[(&'static str, &str)]) -> Option<Self> {
        if !has_haproxy() {
            return None;
        }
        let others = ["first", "second"].map(|folder| replicas(stack, folder, settings));
        let addresses = others
            .each_ref()
            .map(|pair| pair.each_ref().map(|it| &*it.address));
        let mut balancer = Self::over(addresses);
        balancer.others.get_mut().unwrap().extend(others);
        Some(balancer)
    }

    /// In front of two pairs of an auth service and a contacts service.
    fn over([first, second]: [[&str; 2]; 2]) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [auth, contacts] = listeners.map(|free| free.local_addr().unwrap().to_string());
        let haproxy = Command::new("/usr/sbin/haproxy")
            .arg("-f")
            .arg(workspace().join("deploy/haproxy/haproxy.cfg"))
            .env_clear()
            .env("AUTH_BIND", &auth)
            .env("AUTH_1", first[0])
            .env("AUTH_2", second[0])
            .env("CONTACTS_BIND", &contacts)
            .env("CONTACTS_1", first[1])
            .env("CONTACTS_2", second[1])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let listens = |address: &str| TcpStream::connect(address).is_ok();
        until("HAProxy listens", || listens(&auth) && listens(&contacts));
        Self {
            auth,
            contacts,
            haproxy,
            others: Mutex::default(),
        }
    }

    /// Kills the second replica of a service at once, and starts it again.
    pub(crate) fn kill(&self, program: &str) {
        for [auth, contacts] in self.others.lock().unwrap().iter_mut() {
            let replica = if program == "auth-service" {
                auth
            } else {
                contacts
            };
            replica.kill();
        }
    }

    /// Restarts one pair after the other. `HAProxy` notices that one is back while the next
    /// one waits for `SHUTDOWN_LEAD_SECONDS`.
    pub(crate) fn restart(&mut self) {
        for [auth, contacts] in self.others.get_mut().unwrap() {
            thread::scope(|scope| {
                scope.spawn(|| auth.restart());
                contacts.restart();
            });
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.haproxy.kill();
        let _ = self.haproxy.wait();
        // All at once: each may wait before it stops.
        for program in self.others.get_mut().unwrap().iter().flatten() {
            program.stop();
        }
    }
}

/// A pair with the settings that `dev` gives to its own one.
fn replicas(stack: &Stack, name: &str, settings: &[(&'static str, &str)]) -> [Program; 2] {
    let folder = stack.folder();
    let files = folder.join(name);
    fs::create_dir_all(&files).unwrap();
    let start = |name, role: &str, own: &[(&'static str, String)]| {
        let keys = folder.join(format!("{}.keys", role.trim_end_matches("_service")));
        let mut all = vec![
            ("DATABASE_URL", stack.database_url(role)),
            ("SECRET_KEYS_FILE", keys.display().to_string()),
            ("RATE_LIMITS", "off".to_owned()),
        ];
        all.extend_from_slice(own);
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        // `dev` says so of the limits that a service has without a setting.
        if settings.contains(&("RATE_LIMITS", "default")) {
            all.retain(|(name, _)| *name != "RATE_LIMITS");
        }
        Program::start(name, &files, all)
    };
    let file = |name| folder.join(name).display().to_string();
    let secret = file("contacts.secret");
    let auth = [
        ("CONTACTS_SECRET_FILE", secret.clone()),
        ("MAIL_FOLDER", file("mail")),
    ];
    let auth = start("auth-service", "auth_service", &auth);
    let contacts = [
        ("AUTH_SECRET_FILE", secret),
        ("AUTH_URL", format!("http://{}", auth.address)),
    ];
    let contacts = start("contacts-service", "contacts_service", &contacts);
    [auth, contacts]
}
