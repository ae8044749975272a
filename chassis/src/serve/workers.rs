//! The serving threads, each with a runtime of its own. A connection stays on one thread:
//! no step of a call wakes another thread, and responses that are ready together are sent
//! in one write. A call costs half as much as on a runtime that moves tasks between
//! threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::serve::ServeError;
use crate::serve::admission::{self, Accepted};
use crate::serve::calls::Calls;
use crate::serve::clients::Clients;
use crate::serve::connection::Connections;
use crate::serve::mounted::Mounted;
use crate::settings::config::ServerConfig;
use crate::tls::server::ServerTls;

/// Creates what a thread serves, on that thread.
pub(crate) type Make = Arc<dyn Fn() -> Result<Mounted, ServeError> + Send + Sync>;

/// When to stop; a dropped sender also means stop.
#[derive(Clone)]
pub(crate) struct Stopping {
    /// Accepts no more connections; open calls may finish.
    pub(crate) soon: watch::Receiver<bool>,
    /// Open calls are cut off.
    pub(crate) now: watch::Receiver<bool>,
}

/// The threads, which run until a stop.
pub(crate) struct Workers {
    /// The names of the services.
    pub(crate) names: Vec<&'static str>,
    sockets: Vec<mpsc::Sender<Accepted>>,
    clients: Arc<Clients>,
    running: usize,
    ends: mpsc::Receiver<Result<(), ServeError>>,
}

impl Workers {
    /// Starts the threads, each with its own services.
    pub(crate) async fn start(
        config: &ServerConfig,
        tls: Option<&ServerTls>,
        make: Make,
        calls: Arc<Calls>,
        stopping: &Stopping,
    ) -> Result<Self, ServeError> {
        let count = config.worker_threads();
        let (ended, ends) = mpsc::channel(count);
        let mut workers = Self {
            names: Vec::new(),
            sockets: Vec::new(),
            clients: Arc::clone(&calls.clients),
            running: count,
            ends,
        };
        for number in 0..count {
            let (socket, sockets) = mpsc::channel(64);
            let (announce, names) = oneshot::channel();
            let worker = Worker {
                config: config.clone(),
                tls: tls.cloned(),
                make: Arc::clone(&make),
                calls: Arc::clone(&calls),
                stopping: stopping.clone(),
            };
            let ended = ended.clone();
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    let served = catch_unwind(AssertUnwindSafe(|| worker.run(sockets, announce)));
                    let _ = ended.blocking_send(served.unwrap_or(Err(ServeError::WorkerDied)));
                })
                .map_err(ServeError::Worker)?;
            workers.sockets.push(socket);
            workers.names = names.await.map_err(|_| ServeError::WorkerDied)?;
        }
        Ok(workers)
    }

    /// Distributes the connections of this listener in turn, in an endless loop.
    pub(crate) fn accept<L>(
        &self,
        listen: L,
    ) -> impl Future<Output = Result<(), ServeError>> + use<L>
    where
        L: Future<Output = Result<TcpListener, ServeError>>,
    {
        let (sockets, clients) = (self.sockets.clone(), Arc::clone(&self.clients));
        async move {
            let listener = listen.await?;
            for worker in sockets.iter().cycle() {
                match accept(&listener, &clients).await {
                    // A worker that has ended has reported why.
                    Ok(socket) => drop(worker.send(socket).await),
                    // Out of file descriptors, or a connection that is closed already;
                    // neither may stop the service.
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(Duration::from_millis(50)).await;
                    }
                }
            }
            Ok(())
        }
    }

    /// Waits until all have stopped, or one failed.
    pub(crate) async fn ended(&mut self) -> Result<(), ServeError> {
        while self.running > 0 {
            self.ends.recv().await.ok_or(ServeError::WorkerDied)??;
            self.running -= 1;
        }
        Ok(())
    }
}

/// Accepts the next connection of a client that is below its limit.
async fn accept(listener: &TcpListener, clients: &Arc<Clients>) -> std::io::Result<Accepted> {
    loop {
        let (socket, address) = listener.accept().await?;
        if let Some(peer) = clients.connect(address.ip()) {
            let socket = socket.into_std()?;
            return Ok(Accepted { socket, peer });
        }
    }
}

struct Worker {
    config: ServerConfig,
    tls: Option<ServerTls>,
    make: Make,
    calls: Arc<Calls>,
    stopping: Stopping,
}

impl Worker {
    fn run(
        self,
        sockets: mpsc::Receiver<Accepted>,
        made: oneshot::Sender<Vec<&'static str>>,
    ) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServeError::Worker)?;
        let served = runtime.block_on(self.serve(sockets, made));
        // Name lookups run on threads that cannot be stopped.
        runtime.shutdown_background();
        served
    }

    async fn serve(
        self,
        sockets: mpsc::Receiver<Accepted>,
        made: oneshot::Sender<Vec<&'static str>>,
    ) -> Result<(), ServeError> {
        let mounted = (self.make)()?;
        let _ = made.send(mounted.names);
        let connections =
            Connections::new(&self.config, self.calls, mounted.served, mounted.routes);
        let (patience, keepalive) = (self.config.connection_preface, self.config.keepalive);
        let admitted = admission::admit(sockets, self.tls, patience, keepalive);
        connections.serve(admitted, &self.stopping).await;
        Ok(())
    }
}
