//! Subscribes to the auth service's revocations, in the background: no call of a user
//! waits for it.

use std::sync::Arc;
use std::time::Duration;

use proto::auth::v1::watch_revocations_response::Revoked as RevokedItem;
use proto::auth::v1::{WatchRevocationsRequest, WatchRevocationsResponse};
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic_types::StatusExt;

use crate::access::revocations::{Revocations, Revoked};
use crate::access::token::KeySet;
use crate::auth_client::program::{Credentials, Program, SILENCE_MAX, in_time};
use crate::auth_client::upstream::Upstream;
use crate::clock::Clock;
use crate::trouble::Trouble;
use crate::user_id::UserId;

const RETRY_MAX: Duration = Duration::from_secs(2);

/// Subscribes to the feed of `auth`, in an endless loop. A revoked key is removed from
/// `keys` at once.
pub async fn follow(
    auth: Upstream,
    credentials: Credentials,
    revocations: Arc<Revocations>,
    keys: KeySet,
    clock: Clock,
) {
    let mut feed = Feed {
        program: Program::new(&auth, credentials),
        revocations,
        keys,
        clock,
        cursor: String::new(),
        trouble: Trouble::new("cannot subscribe to revocations"),
    };
    let mut retry = Duration::from_millis(50);
    loop {
        let began = Instant::now();
        match feed.watch().await {
            // The auth service is stopping; another replica may be available already.
            Ok(()) => tracing::info!("the feed of revocations ended"),
            // Subscribes again with a new token and the same cursor, so that nothing is
            // missed.
            Err(status) if is_expired(&status) && began.elapsed() > SILENCE_MAX => continue,
            Err(status) => feed.trouble.failed(&status),
        }
        if began.elapsed() > SILENCE_MAX {
            retry = Duration::from_millis(50);
        }
        feed.revocations.lost();
        sleep(retry).await;
        retry = (retry * 2).min(RETRY_MAX);
    }
}

fn is_expired(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.reason == "TOKEN_EXPIRED")
}

struct Feed {
    program: Program,
    revocations: Arc<Revocations>,
    keys: KeySet,
    clock: Clock,
    /// The cursor of the last message, to resume after a lost connection.
    cursor: String,
    trouble: Trouble,
}

impl Feed {
    async fn watch(&mut self) -> Result<(), Status> {
        let request = WatchRevocationsRequest {
            since_cursor: self.cursor.clone(),
        };
        let request = self.program.request(request).await?;
        let mut stream = in_time(self.program.auth.watch_revocations(request))
            .await?
            .into_inner();
        loop {
            // A heartbeat arrives every second.
            match in_time(stream.message()).await? {
                Some(answer) => self.learn(answer),
                None => return Ok(()),
            }
        }
    }

    fn learn(&mut self, answer: WatchRevocationsResponse) {
        let seconds = |time: Option<prost_types::Timestamp>| time.map_or(0, |time| time.seconds);
        let (revoke, forget) = (seconds(answer.revoke_time), seconds(answer.forget_time));
        match answer.revoked {
            Some(RevokedItem::SessionId(id)) => {
                if let Ok(id) = id.parse() {
                    self.revocations.learn(Revoked::Session(id), forget);
                }
            }
            Some(RevokedItem::UserId(id)) => {
                if let Ok(id) = id.parse() {
                    let revoked = Revoked::User(UserId(id), revoke);
                    self.revocations.learn(revoked, forget);
                }
            }
            Some(RevokedItem::KeyId(id)) => self.keys.remove(&id),
            None => {}
        }
        if answer.caught_up {
            self.trouble.is_over();
            self.revocations.heard(self.clock.now().timestamp());
        }
        self.cursor = answer.cursor;
    }
}
