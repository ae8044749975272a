//! Everybody who makes calls during a run.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;
use uuid::Uuid;

use super::account::Accounts;
use super::calls::{Caller, Clients};
use super::checks;
use super::config::TortureConfig;
use super::contended::Contended;
use super::copies::{Syncer, Watcher};
use super::guessing::Guessing;
use super::history::History;
use super::sharing::Sharing;
use super::stage::Stage;
use super::user::User;
use super::writer::{Secrets, Writer};
use crate::error::{Error, Result};

/// All users, each with what it does.
pub(super) struct Load {
    writers: Vec<Writer>,
    syncers: Vec<Syncer>,
    watchers: Vec<Watcher>,
    accounts: Vec<Accounts>,
    contended: Contended,
    guessing: Guessing,
    sharing: Option<Sharing>,
}

impl Load {
    /// Signs everybody up.
    pub(super) async fn begin(
        config: &TortureConfig,
        seed: u64,
        stage: &Stage,
        history: &Arc<History>,
    ) -> Result<Self> {
        let clients = [Clients::of(&stage.sides[0])?, Clients::of(&stage.sides[1])?];
        let caller = |number: usize| Caller::new(history, number, &clients);
        let owners = config.owners as usize;
        let secrets = Secrets::default();
        let mut writers = Vec::new();
        for number in 0..owners {
            let (caller, user) = join(caller(number)).await?;
            writers.push(Writer::new(caller, user, &secrets, seed));
        }
        let (writing, crowd) = join(caller(owners)).await?;
        let owner = join(caller(owners + 1)).await?;
        let recipient = join(caller(owners + 2)).await?;
        let first = owners + 4;
        let accounts = (first..first + config.accounts as usize)
            .map(|number| Accounts::new(caller(number), seed));
        Ok(Self {
            syncers: writers.iter().map(|it| Syncer::of(it, seed)).collect(),
            watchers: writers.iter().map(Watcher::of).collect(),
            accounts: accounts.collect(),
            contended: Contended::begin(writing, crowd, seed).await,
            guessing: Guessing::new(caller(owners + 3)),
            sharing: Some(Sharing::begin(owner, recipient, &stage.database_url).await?),
            writers,
        })
    }

    /// Makes calls until then.
    pub(super) async fn run(mut self, until: Instant) -> Self {
        let sharing = self.sharing.take();
        let share = async {
            if let Some(sharing) = sharing {
                sharing.run(until).await;
            }
        };
        let (writers, syncers, watchers, accounts, contended, (), ()) = tokio::join!(
            join_all(self.writers.into_iter().map(|it| it.run(until))),
            join_all(self.syncers.into_iter().map(|it| it.run(until))),
            join_all(self.watchers.into_iter().map(|it| it.run(until))),
            join_all(self.accounts.into_iter().map(|it| it.run(until))),
            self.contended.run(until),
            self.guessing.run(until),
            share,
        );
        Self {
            writers,
            syncers,
            watchers,
            accounts,
            contended,
            guessing: self.guessing,
            sharing: None,
        }
    }

    /// Compares what is stored with what was acknowledged.
    pub(super) async fn finish(self) {
        join_all(self.accounts.into_iter().map(Accounts::finish)).await;
        self.contended.finish().await;
        let copies = self.syncers.into_iter().zip(self.watchers);
        let comparing = self.writers.iter().zip(copies);
        join_all(comparing.map(async |(writer, (syncer, watcher))| {
            let Some((contacts, labels)) = checks::compare(writer).await else {
                return;
            };
            syncer.finish(&contacts, &labels).await;
            watcher.finish(&contacts, &labels).await;
        }))
        .await;
    }
}

/// Signs up and logs in.
async fn join(caller: Caller) -> Result<(Caller, User)> {
    let email = format!("owner{}@example.com", caller.owner);
    let request_id = Uuid::new_v4().to_string();
    let user = User::join(&caller, email, &request_id).await;
    let user = user.ok_or(Error::Violations(1))?;
    Ok((caller, user))
}
