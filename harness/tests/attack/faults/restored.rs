//! A backup, restored into a new server by the runbook in docs/OPERATIONS.md.

use std::fs;
use std::path::Path;
use std::process::Command;

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LogInRequest, log_in_response};
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use proto::contacts::v1::{CreateContactRequest, ListContactsRequest};
use sqlx::{Connection, PgConnection, raw_sql};

use crate::pair::{Pair, program, until};
use crate::user::{PASSWORD, ada, bearer};

/// The commands in the runbook's block with this name.
fn commands(name: &str) -> String {
    let operations = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let text = fs::read_to_string(operations).unwrap();
    let (_, rest) = text.split_once(&format!("\n```sh {name}\n")).unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn the_runbook_brings_everything_back_in_a_new_server() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let token = side.user("ada@example.com").await.access_token;
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let mut book = side.book.clone();
    book.create_contact(bearer(request, &token)).await.unwrap();

    let (folder, server) = (tempfile::tempdir().unwrap(), new_server().await);
    let postgres = server.binaries().dir().to_owned();
    let old = pair.database.url(SUPERUSER);
    run(&commands("backup"), folder.path(), &postgres, &old);
    let new = server.url("addressbook", SUPERUSER);
    run(&commands("restore"), folder.path(), &postgres, &new);

    let url = server.url("addressbook", "auth_service");
    let (auth_program, auth) = pair
        .further("auth-service-2", &[("DATABASE_URL", &url)])
        .await;
    let auth_url = format!("http://{}", auth_program.address());
    let url = server.url("addressbook", "contacts_service");
    let settings = [("DATABASE_URL", &*url), ("AUTH_URL", &auth_url)];
    let (contacts_program, contacts) = pair.further("contacts-service-2", &settings).await;
    for program in [&auth_program, &contacts_program] {
        until("it serves", async || {
            program.is_serving().await.then_some(())
        })
        .await;
    }
    let log_in = LogInRequest {
        email: "ada@example.com".into(),
        password: PASSWORD.into(),
        ..LogInRequest::default()
    };
    let logged_in = AuthServiceClient::new(auth).log_in(log_in).await.unwrap();
    let Some(log_in_response::Result::Tokens(tokens)) = logged_in.into_inner().result else {
        panic!("no tokens");
    };
    let mut book = ContactsServiceClient::new(contacts);
    let list = bearer(ListContactsRequest::default(), &tokens.access_token);
    let listed = book.list_contacts(list).await.unwrap().into_inner();
    assert_eq!(listed.contacts[0].given_name, "Ada");
    let request = CreateContactRequest {
        contact: Some(ada()),
        ..CreateContactRequest::default()
    };
    let request = bearer(request, &tokens.access_token);
    book.create_contact(request).await.unwrap();
}
