//! A server as it was at a moment, recovered by the runbook in docs/OPERATIONS.md.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use embedded_postgres::{Binaries, Cluster, Folder, SUPERUSER, Search};
use proto::contacts::v1::ListContactsRequest;
use sqlx::{Connection, PgConnection, query_scalar};
use tempfile::TempDir;
use testing::migrate;

use super::restored::{ADA, block, new_server, serve};
use super::writer::Writer;
use crate::pair::{Pair, until};
use crate::user::{PASSWORD, bearer};

/// Everyone, such as the user of the server.
fn open(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// The folder with the base backup and the archive.
struct Backup(TempDir);

impl Backup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wal = folder.path().join("wal");
        fs::create_dir(&wal).unwrap();
        open(folder.path());
        open(&wal);
        Self(folder)
    }

    /// The settings of a server that archives here.
    fn settings(&self) -> Vec<String> {
        let here = self.0.path().display().to_string();
        let setting = |line: &str| {
            let (name, value) = line.split_once(" = ").unwrap();
            let value = value.trim_matches('\'').replace("/srv/backup", &here);
            format!("{name}={value}")
        };
        block("ini archive").lines().map(setting).collect()
    }

    fn make_base(&self, server: &Cluster) {
        let path = std::env::var_os("PATH").unwrap();
        let path = [server.binaries().dir().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let mut command = Command::new("bash");
        command
            .args(["-euc", &block("sh base")])
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("BACKUP", self.0.path())
            .env("DATABASE_URL", server.url("addressbook", SUPERUSER));
        succeed(&mut command);
        // The user of the test made it, and that of the server reads it.
        let mut command = Command::new("chmod");
        succeed(command.args(["-R", "a+rX"]).arg(self.0.path().join("base")));
    }

    fn recover(&self, moment: &str) -> Cluster {
        let binaries = Binaries::find(&Search::from_environment()).unwrap();
        let folder = Folder::ephemeral().unwrap();
        let mut command = Command::new("bash");
        command
            .args(["-euc", &block("sh recover")])
            .env("BACKUP", self.0.path())
            .env("MOMENT", moment);
        Cluster::start_restored(binaries, folder, &mut command).unwrap()
    }
}

async fn ask(server: &Cluster, sql: &'static str) -> String {
    let options = server.connect_options("addressbook", SUPERUSER);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    query_scalar(sql).fetch_one(&mut db).await.unwrap()
}

/// Waits until everything written so far is in the archive.
async fn archive_all(server: &Cluster) {
    let last = ask(server, "SELECT pg_walfile_name(pg_switch_wal())").await;
    let archived = "SELECT COALESCE(last_archived_wal, '') FROM pg_stat_archiver";
    until("it is archived", async || {
        (ask(server, archived).await >= last).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_recovered_as_it_was_at_a_moment() {
    let (mut server, backup) = (new_server().await, Backup::new());
    server.restart_with(&backup.settings()).unwrap();
    let options = server.connect_options("addressbook", SUPERUSER);
    migrate(options).await.unwrap();
    let pair = {
        let url = |role: &str| server.url("addressbook", role);
        Pair::start_on(Pair::database().await, &url, [&[], &[]]).await
    };
    let writer = Writer::new(pair.side(0), ADA).await;
    let first = writer.create().await.unwrap();
    backup.make_base(&server);
    let second = writer.create().await.unwrap();
    let moment = ask(&server, "SELECT clock_timestamp()::text").await;
    let third = writer.create().await.unwrap();
    archive_all(&server).await;

    let recovered = backup.recover(&moment);

    let (_programs, side) = serve(&pair, &recovered).await;
    let token = side.log_in(ADA, PASSWORD).await.unwrap().access_token;
    let list = bearer(ListContactsRequest::default(), &token);
    let listed = side.book.clone().list_contacts(list).await.unwrap();
    let listed = listed.into_inner().contacts;
    let listed: Vec<_> = listed.into_iter().map(|contact| contact.id).collect();
    for (id, is_there) in [(first, true), (second, true), (third, false)] {
        assert_eq!(listed.contains(&id.to_string()), is_there, "{listed:?}");
    }
}
