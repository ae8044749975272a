//! When the service starts to listen: after it has received the public keys and the
//! revocations.

use std::time::Duration;

use chassis::access::revocations::Mode;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Config;

/// How long a service waits that may serve without them.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a start may take before it is logged.
const USUAL: Duration = Duration::from_secs(1);

/// How long the service waits before it listens anyway; `None` for ever.
pub(crate) fn patience(config: &Config) -> Option<Duration> {
    match config.revocation_mode {
        Mode::Closed => None,
        Mode::Open => Some(PATIENCE.min(config.revocation_silence)),
    }
}

/// Completes when all of these are true, or when `patience` has passed.
pub(crate) async fn heard(all: Vec<watch::Receiver<bool>>, patience: Option<Duration>) {
    let heard = async {
        for mut one in all {
            // A dropped sender will not change any more.
            let _ = one.wait_for(|heard| *heard).await;
        }
    };
    tokio::pin!(heard);
    if timeout(USUAL, &mut heard).await.is_ok() {
        return;
    }
    tracing::warn!("does not listen yet: the auth service has not told its keys and revocations");
    match patience {
        None => heard.await,
        Some(patience) => {
            if timeout(patience.saturating_sub(USUAL), heard)
                .await
                .is_err()
            {
                tracing::warn!("listens without keys or revocations of the auth service");
            }
        }
    }
}
