//! A server that vanishes: its connections stay open, and nothing arrives any more.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use chassis::database::is_unavailable;
use chassis::database::pool::Pool;
use embedded_postgres::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::pool::{backend, database};

/// Longer than any statement here takes.
const PATIENCE: Duration = Duration::from_millis(500);

/// A network between the pool and its server.
struct Network {
    address: SocketAddr,
    broken: watch::Sender<()>,
}

impl Network {
    async fn to(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, broken) = (listener.local_addr().unwrap(), watch::Sender::new(()));
        let folder = database.admin().get_socket().unwrap().clone();
        let (socket, breaks) = (folder.join(".s.PGSQL.5432"), broken.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(carry(client, server, breaks.subscribe()));
            }
        });
        Self { address, broken }
    }

    /// From now on nothing is carried on what is connected.
    fn breaks(&self) {
        self.broken.send_replace(());
    }

    fn options(&self, database: &TestDatabase) -> PgConnectOptions {
        let admin = database.admin();
        let (user, name) = (admin.get_username(), admin.get_database().unwrap());
        let url = format!("postgres://{user}@{}/{name}?sslmode=disable", self.address);
        url.parse().unwrap()
    }
}

async fn carry(mut client: TcpStream, mut server: UnixStream, mut broken: watch::Receiver<()>) {
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = broken.changed() => pending().await,
    }
}

#[tokio::test]
async fn a_statement_without_a_response_fails_and_frees_its_place() {
    let database = database().await;
    let network = Network::to(&database).await;
    let wait = Duration::from_secs(5);
    let pool = Pool::with_patience(network.options(&database), 1, wait, PATIENCE);

    for ends_in_commit in [false, true] {
        let mut tx = pool.begin().await.unwrap();
        network.breaks();
        let failed = if ends_in_commit {
            tx.commit().await
        } else {
            let insert = sqlx::query("INSERT INTO rows VALUES (1)");
            let inserted = insert.execute(&mut *tx).await.map(drop);
            drop(tx);
            inserted
        };

        let error = failed.unwrap_err();
        assert!(is_unavailable(&error), "{error:?}");
        assert!(backend(&pool).await > 0);
    }
}

/// If they were asked one after the other, the caller would not wait long enough.
#[tokio::test]
async fn idle_connections_without_a_response_cost_one_caller_one_wait() {
    let database = database().await;
    let network = Network::to(&database).await;
    let wait = Duration::from_millis(2500);
    let pool = Pool::with_patience(network.options(&database), 8, wait, PATIENCE);
    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(pool.begin().await.unwrap());
    }
    for tx in all {
        tx.commit().await.unwrap();
    }
    // Longer than the pool trusts a connection; time is what is tested here.
    sleep(Duration::from_millis(60)).await;

    network.breaks();

    assert!(backend(&pool).await > 0);
    assert_eq!(pool.load().idle, 1);
}
