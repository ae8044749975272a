//! When the service begins to listen: after it has heard which keys sign tokens, and
//! which tokens are revoked.

use std::time::Duration;

use chassis::access::revocations::Mode;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Config;

/// How long a service waits that may serve without having heard.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a start takes that needs no explanation.
const USUAL: Duration = Duration::from_secs(1);

/// How long the service waits before it listens all the same; `None` for ever.
pub(crate) fn patience(config: &Config) -> Option<Duration> {
    match config.revocation_mode {
        Mode::Closed => None,
        Mode::Open => Some(PATIENCE.min(config.revocation_silence)),
    }
}

/// Completes when all of this has been heard, or when `patience` is over.
pub(crate) async fn heard(all: Vec<watch::Receiver<bool>>, patience: Option<Duration>) {
    let heard = async {
        for mut one in all {
            // A sender that is gone says nothing any more.
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
