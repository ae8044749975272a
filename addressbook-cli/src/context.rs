//! What every command needs.

use addressbook_client::{Client, Error, Servers, Store};

use crate::cli::ServerArgs;
use crate::config;
use crate::output::Output;

/// What every command needs.
#[derive(Clone)]
pub(crate) struct Context {
    /// Where results go.
    pub(crate) output: Output,
    /// Where the profile is kept.
    pub(crate) store: Store,
    /// The owner of the contacts; empty for the user.
    pub(crate) owner: String,
}

impl Context {
    /// The context of a profile.
    pub(crate) fn new(profile: &str, owner: String, output: Output) -> Result<Self, Error> {
        let is_name = !profile.is_empty() && !profile.starts_with('.') && !profile.contains('/');
        if !is_name {
            return Err(Error::local(format_args!(
                "{profile:?} cannot be the name of a profile"
            )));
        }
        let file = config::profiles()?.join(format!("{profile}.json"));
        Ok(Self {
            output,
            store: Store::file(file),
            owner,
        })
    }

    /// A client of the servers that the profile was logged in at.
    pub(crate) async fn client(&self) -> Result<Client, Error> {
        let profile = self.store.read().await?;
        Client::new(&profile.servers, self.store.clone())
    }

    /// A client for a log-in or a sign-up: these servers, or those of the last log-in.
    pub(crate) async fn client_at(&self, args: &ServerArgs) -> Result<Client, Error> {
        let known = self.store.read().await?.servers;
        let servers = Servers {
            auth: args.auth.clone().unwrap_or(known.auth),
            contacts: args.contacts.clone().unwrap_or(known.contacts),
            ca_file: args.ca_file.clone().or(known.ca_file),
        };
        Client::new(&servers, self.store.clone())
    }
}
