//! When to stop: the first signal asks, the second insists.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Counts the signals that ask this process to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<u32>);

impl Stop {
    /// Handles SIGINT, SIGTERM and SIGHUP, which then no longer kill the process.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (count, stop) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(stop))
    }

    /// Completes after the first signal.
    pub(crate) async fn requested(&mut self) {
        self.reached(1).await;
    }

    /// Completes after the second one.
    pub(crate) async fn insisted(&mut self) {
        self.reached(2).await;
    }

    async fn reached(&mut self, wanted: u32) {
        // The sender lives as long as the runtime.
        let _ = self.0.wait_for(|count| *count >= wanted).await;
    }
}
