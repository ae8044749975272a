//! What every command needs.

use addressbook_client::{Client, Error, Servers, Store};

use crate::cli::{Owner, ServerArgs};
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
    pub(crate) fn new(profile: &str, output: Output) -> Result<Self, Error> {
        let is_name = !profile.is_empty() && !profile.starts_with('.') && !profile.contains('/');
        if !is_name {
            return Err(Error::invalid(format_args!(
                "{profile:?} cannot be the name of a profile"
            )));
        }
        let file = config::profiles()?.join(format!("{profile}.json"));
        Ok(Self {
            output,
            store: Store::file(file),
            owner: String::new(),
        })
    }

    /// The same for the contacts of this owner.
    pub(crate) fn of(&self, owner: &Owner) -> Self {
        Self {
            owner: owner.owner.clone(),
            ..self.clone()
        }
    }

    /// A client of the servers that the profile was logged in at.
    pub(crate) async fn client(&self) -> Result<Client, Error> {
        let profile = self.store.read().await?;
        Client::new(&profile.servers, self.store.clone())
    }

    /// A client for a log-in or a sign-up: these servers, or those of the last log-in.
    pub(crate) async fn client_at(&self, args: &ServerArgs) -> Result<Client, Error> {
        let known = self.store.read().await?.servers;
        Client::new(&servers(args, known)?, self.store.clone())
    }
}

/// These servers; without them the known ones, with what was said of them.
fn servers(args: &ServerArgs, known: Servers) -> Result<Servers, Error> {
    let mut servers = match (&args.auth, &args.contacts) {
        (Some(auth), Some(contacts)) if (auth, contacts) != (&known.auth, &known.contacts) => {
            Servers {
                auth: auth.clone(),
                contacts: contacts.clone(),
                ..Servers::default()
            }
        }
        _ => known,
    };
    if let Some(file) = &args.ca_file {
        // Later commands may run in another folder.
        servers.ca_file = Some(std::path::absolute(file).map_err(Error::local)?);
    }
    servers.allow_plaintext |= args.allow_plaintext;
    Ok(servers)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn at(url: &str) -> ServerArgs {
        ServerArgs {
            auth: Some(url.to_owned()),
            contacts: Some(url.to_owned()),
            ca_file: None,
            allow_plaintext: false,
        }
    }

    #[test]
    fn what_was_said_of_servers_is_for_them_alone() {
        let first = ServerArgs {
            ca_file: Some("ca.crt".into()),
            allow_plaintext: true,
            ..at("https://one.example.com")
        };

        let known = servers(&first, Servers::default()).unwrap();

        assert!(
            known
                .ca_file
                .as_ref()
                .is_some_and(|file| file.is_absolute())
        );
        let same = servers(&at("https://one.example.com"), known.clone()).unwrap();
        assert_eq!(same, known);
        let other = servers(&at("https://two.example.com"), known.clone()).unwrap();
        assert_eq!((other.ca_file, other.allow_plaintext), (None, false));
        let none = ServerArgs {
            auth: None,
            contacts: None,
            ca_file: Some(PathBuf::from("/other.crt")),
            allow_plaintext: false,
        };
        let replaced = servers(&none, known).unwrap();
        assert_eq!(replaced.auth, "https://one.example.com");
        assert_eq!(replaced.ca_file, Some("/other.crt".into()));
    }
}
