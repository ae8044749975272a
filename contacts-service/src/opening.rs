//! When the service starts to listen: after it has received the public keys and the
//! revocations.

use std::time::Duration;

use chassis::access::revocations::Mode;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Config;

/// How long a service waits for keys and revocations, if it may serve without them.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a start may take before it is logged.
const LOGGED_AFTER: Duration = Duration::from_secs(1);

/// How long the service waits before it listens anyway; `None` for ever.
pub(crate) fn wait_max(config: &Config) -> Option<Duration> {
    match config.revocation_mode {
        Mode::Closed => None,
        Mode::Open => Some(WAIT_MAX.min(config.revocation_silence)),
    }
}

/// Completes when all of these are true, or when `wait_max` has passed.
pub(crate) async fn auth_loaded(all: Vec<watch::Receiver<bool>>, wait_max: Option<Duration>) {
    let loaded = async {
        for mut one in all {
            // An error means that the sender was dropped, so the value cannot change any
            // more.
            let _ = one.wait_for(|loaded| *loaded).await;
        }
    };
    tokio::pin!(loaded);
    if timeout(LOGGED_AFTER, &mut loaded).await.is_ok() {
        return;
    }
    tracing::warn!("does not listen yet: the auth service has not sent its keys and revocations");
    match wait_max {
        None => loaded.await,
        Some(wait_max) => {
            if timeout(wait_max.saturating_sub(LOGGED_AFTER), loaded)
                .await
                .is_err()
            {
                tracing::warn!("listens without keys or revocations of the auth service");
            }
        }
    }
}
