//! A route to a database server, as a proxy or a virtual address makes one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Forwards new connections to one server, until the test's runtime ends.
pub(crate) struct Route {
    address: SocketAddr,
    socket: watch::Sender<PathBuf>,
    cut: watch::Sender<()>,
}

impl Route {
    /// Forwards to the server whose socket is in this folder.
    pub(crate) async fn to(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let route = Self {
            address: listener.local_addr().unwrap(),
            socket: watch::Sender::new(socket(folder)),
            cut: watch::Sender::new(()),
        };
        let (socket, cut) = (route.socket.subscribe(), route.cut.subscribe());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let socket = socket.borrow().clone();
                // Only cuts from now on concern this connection.
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(forward(client, socket, cut));
            }
        });
        route
    }

    /// Forwards new connections to another server; open ones stay.
    pub(crate) fn lead_to(&self, folder: &Path) {
        self.socket.send_replace(socket(folder));
    }

    /// Cuts all open connections.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }

    /// How a service reaches its database.
    pub(crate) fn url(&self, database: &str, user: &str) -> String {
        format!(
            "postgres://{user}@{}/{database}?sslmode=disable",
            self.address
        )
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

async fn forward(mut client: TcpStream, socket: PathBuf, mut cut: watch::Receiver<()>) {
    let Ok(mut server) = UnixStream::connect(socket).await else {
        return;
    };
    tokio::select! {
        // When either side closes, the other is closed as well.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.changed() => {}
    }
}
