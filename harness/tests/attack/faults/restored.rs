//! A backup, restored into a new server by the runbook in docs/OPERATIONS.md.

use std::fs;
use std::path::Path;
use std::process::Command;

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{UpdateMeRequest, User};
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{
    Contact, CreateContactRequest, ListContactsRequest, SyncContactsRequest, SyncContactsResponse,
    UpdateContactRequest,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use tempfile::TempDir;
use tonic::{Code, Status};

use crate::pair::{Pair, Program, Side, program, until};
use crate::user::{PASSWORD, ada, bearer, refusal};

pub(super) const ADA: &str = "ada@example.com";
const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");

/// The runbook's block with this language and name.
pub(super) fn block(heading: &str) -> String {
    let text = fs::read_to_string(OPERATIONS).unwrap();
    let (_, rest) = text.split_once(&format!("\n```{heading}\n")).unwrap();
    let (block, _) = rest.split_once("\n```").unwrap();
    block.to_owned()
}

/// Runs commands of the runbook in a folder, as the owner of the database at this URL.
fn run(commands: &str, folder: &Path, postgres: &Path, url: &str) {
    let services = program("auth-service").parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap();
    let path = [postgres.to_owned(), services]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut command = Command::new("bash");
    let command = command
        .args(["-euc", commands])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("DATABASE_URL", url);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}: {errors}");
}

/// A server without any role but its superuser, and an empty database `addressbook`.
pub(super) async fn new_server() -> Cluster {
    let binaries = Binaries::find(&Search::from_environment()).unwrap();
    let cluster = Cluster::start(binaries, Folder::ephemeral().unwrap()).unwrap();
    let options = cluster.connect_options("postgres", SUPERUSER);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    raw_sql("CREATE DATABASE addressbook")
        .execute(&mut db)
        .await
        .unwrap();
    cluster
}

/// Two services on the restored database, and their clients.
pub(super) async fn serve(pair: &Pair, server: &Cluster) -> ([Program; 2], Side) {
    let url = server.url("addressbook", "auth_service");
    let settings = [("DATABASE_URL", &*url)];
    let (auth_program, auth) = pair.further("auth-service-2", &settings).await;
    let auth_url = format!("http://{}", auth_program.address());
    let url = server.url("addressbook", "contacts_service");
    let settings = [("DATABASE_URL", &*url), ("AUTH_URL", &auth_url)];
    let (contacts_program, contacts) = pair.further("contacts-service-2", &settings).await;
    let programs = [auth_program, contacts_program];
    for program in &programs {
        until("it serves", async || {
            program.is_serving().await.then_some(())
        })
        .await;
    }
    let side = Side {
        auth: AuthServiceClient::new(auth.clone()),
        account: AccountServiceClient::new(auth),
        book: ContactsServiceClient::new(contacts),
        ..pair.side(0)
    };
    (programs, side)
}

/// A folder for the dump, and the new server.
struct Runbook {
    folder: TempDir,
    server: Cluster,
}

impl Runbook {
    async fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: new_server().await,
        }
    }

    fn back_up(&self, pair: &Pair) {
        self.run("sh backup", &pair.database.url(SUPERUSER));
    }

    fn restore(&self) {
        self.run("sh restore", &self.server.url("addressbook", SUPERUSER));
    }

    /// Runs a statement on the restored database.
    async fn execute(&self, sql: String) {
        let options = self.server.connect_options("addressbook", SUPERUSER);
        let mut db = PgConnection::connect_with(&options).await.unwrap();
        raw_sql(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
    }

    fn run(&self, heading: &str, url: &str) {
        let postgres = self.server.binaries().dir();
        run(&block(heading), self.folder.path(), postgres, url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runbook_brings_everything_back_in_a_new_server() {
    let (pair, runbook) = (Pair::start().await, Runbook::new().await);
    let side = pair.side(0);
    let token = side.user(ADA).await.access_token;
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let mut book = side.book.clone();
    let created = book.create_contact(bearer(request.clone(), &token)).await;
    created.unwrap();

    runbook.back_up(&pair);
    runbook.restore();

    let (_programs, mut side) = serve(&pair, &runbook.server).await;
    let token = side.log_in(ADA, PASSWORD).await.unwrap().access_token;
    let list = bearer(ListContactsRequest::default(), &token);
    let listed = side.book.list_contacts(list).await.unwrap().into_inner();
    assert_eq!(listed.contacts[0].given_name, "Ada");
    let created = side.book.create_contact(bearer(request, &token)).await;
    created.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_those_of_the_dump_until_all_are_deleted() {
    let (pair, runbook) = (Pair::start().await, Runbook::new().await);
    let side = pair.side(0);
    let ended = side.user(ADA).await;
    let refreshed = side.log_in(ADA, PASSWORD).await.unwrap();
    let idle = side.log_in(ADA, PASSWORD).await.unwrap();
    runbook.back_up(&pair);
    side.log_out(&ended.refresh_token).await;
    let newer = side.refresh(&refreshed.refresh_token).await.unwrap();
    let started = side.log_in(ADA, PASSWORD).await.unwrap();

    runbook.restore();

    let (_programs, side) = serve(&pair, &runbook.server).await;
    side.list(&ended.access_token).await.unwrap();
    side.refresh(&ended.refresh_token).await.unwrap();
    let newer = newer.tokens.unwrap();
    for (token, reason) in [
        (newer.refresh_token, "REFRESH_TOKEN_REUSED"),
        (started.refresh_token, "REFRESH_TOKEN_INVALID"),
    ] {
        assert_eq!(refusal(side.refresh(&token).await), reason);
    }
    let manual = fs::read_to_string(OPERATIONS).unwrap();
    let statement = "DELETE FROM auth.sessions;";
    assert!(manual.contains(statement));
    runbook.execute(statement.to_owned()).await;
    let left = side.refresh(&idle.refresh_token).await;
    assert_eq!(refusal(left), "REFRESH_TOKEN_INVALID");
    side.log_in(ADA, PASSWORD).await.unwrap();
}

/// A user with an address book.
struct Device {
    side: Side,
    token: String,
}

impl Device {
    async fn update(&self, id: &str, etag: &str, family_name: &str) -> Result<Contact, Status> {
        let contact = Contact {
            id: id.into(),
            etag: etag.into(),
            family_name: family_name.into(),
            ..Contact::default()
        };
        let request = UpdateContactRequest {
            contact: Some(contact),
            ..UpdateContactRequest::default()
        };
        let mut book = self.side.book.clone();
        let updated = book.update_contact(bearer(request, &self.token)).await?;
        Ok(updated.into_inner().contact.unwrap())
    }

    async fn rename(&self, etag: &str, display_name: &str) -> Result<User, Status> {
        let user = User {
            etag: etag.into(),
            display_name: display_name.into(),
            ..User::default()
        };
        let request = UpdateMeRequest {
            user: Some(user),
            ..UpdateMeRequest::default()
        };
        let mut account = self.side.account.clone();
        let updated = account.update_me(bearer(request, &self.token)).await?;
        Ok(updated.into_inner().user.unwrap())
    }

    async fn sync(&self, sync_token: &str) -> Result<SyncContactsResponse, Status> {
        let request = SyncContactsRequest {
            sync_token: sync_token.into(),
            ..SyncContactsRequest::default()
        };
        let mut book = self.side.book.clone();
        let synced = book.sync_contacts(bearer(request, &self.token)).await?;
        Ok(synced.into_inner())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_saw_after_the_dump_is_refused() {
    let (pair, runbook) = (Pair::start().await, Runbook::new().await);
    let side = pair.side(0);
    let token = side.user(ADA).await.access_token;
    let device = Device { side, token };
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let mut book = device.side.book.clone();
    let created = book.create_contact(bearer(request, &device.token)).await;
    let id = created.unwrap().into_inner().contact.unwrap().id;
    let before = device.sync("").await.unwrap().next_sync_token;
    runbook.back_up(&pair);
    let lost = device.update(&id, "", "Lost").await.unwrap();
    let lost_name = device.rename("", "Lost").await.unwrap();
    let after = device.sync("").await.unwrap().next_sync_token;

    runbook.restore();
    runbook.execute(block("sql restored")).await;

    let (_programs, side) = serve(&pair, &runbook.server).await;
    let device = Device { side, ..device };
    for token in [before, after] {
        assert_eq!(refusal(device.sync(&token).await), "SYNC_TOKEN_EXPIRED");
    }
    let all = device.sync("").await.unwrap();
    assert_eq!(all.changed.len(), 1);
    // As many writes as before, and none of them is the lost one.
    let other = device.update(&id, "", "Lovelace").await.unwrap();
    assert_ne!(other.etag, lost.etag);
    let refused = device.update(&id, &lost.etag, "Byron").await;
    assert_eq!(refused.unwrap_err().code(), Code::Aborted);
    device.rename("", "Ada Lovelace").await.unwrap();
    let refused = device.rename(&lost_name.etag, "Ada Byron").await;
    assert_eq!(refused.unwrap_err().code(), Code::Aborted);
    let next = device.sync(&all.next_sync_token).await.unwrap();
    assert_eq!(next.changed[0].family_name, "Lovelace");
}
