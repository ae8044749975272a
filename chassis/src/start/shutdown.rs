//! The signals that stop a service.

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the process is asked to stop: SIGTERM, or Ctrl-C in a
/// terminal.
pub async fn requested() {
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
