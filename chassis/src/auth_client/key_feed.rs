//! Keeps the key set up to date, in the background: no call of a user waits for it, and
//! no URL is taken from a token.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetJwksRequest, JsonWebKey};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tonic::transport::Channel;

use crate::access::token::KeySet;
use crate::auth_client::upstream::Upstream;
use crate::trouble::Trouble;

/// The longest time between two reads.
const CACHE_MAX: Duration = Duration::from_mins(5);
/// The shortest time between two reads, whatever cache time the auth service returns.
const CACHE_MIN: Duration = Duration::from_secs(1);
/// The shortest time between two reads that tokens can cause: a token signed with a new
/// key is accepted within it, and forged ones cause at most one read in it.
const READ_GAP: Duration = Duration::from_secs(1);
/// How long keys are used while the auth service is away.
const STALE_MAX: Duration = Duration::from_hours(24);
/// The first pause after a read that failed or lacked a needed key; doubles each time.
const RETRY_MIN: Duration = Duration::from_millis(50);
/// The longest pause while every call fails because there is no key.
const RETRY_MAX_WITHOUT_KEYS: Duration = Duration::from_secs(1);
/// The longest pause while older keys are used.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Reads the keys of `auth` into `keys`, in an endless loop.
pub async fn follow(auth: Upstream, keys: KeySet) {
    let channel = auth.channel(|endpoint| {
        endpoint
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5))
    });
    let mut auth = AuthServiceClient::new(channel);
    let mut read_at = Instant::now();
    let mut retry = RETRY_MIN;
    let mut trouble = Trouble::new("cannot read the key set");
    loop {
        // A response can be as old as its request.
        let asked_at = Instant::now();
        match read(&mut auth).await {
            Ok((jwks, cache)) => {
                keys.replace(&jwks);
                trouble.is_over();
                tracing::debug!(keys = jwks.len(), "read the key set");
                read_at = asked_at;
                if keys.is_current(&jwks) {
                    retry = RETRY_MIN;
                    wait(&keys, asked_at, cache).await;
                    continue;
                }
            }
            Err(status) => {
                trouble.failed(&status);
                if read_at.elapsed() > STALE_MAX {
                    keys.replace(&[]);
                }
            }
        }
        sleep(retry).await;
        let most = if keys.is_empty() {
            RETRY_MAX_WITHOUT_KEYS
        } else {
            RETRY_MAX
        };
        retry = (retry * 2).min(most);
    }
}

/// Waits until the keys that were requested at `asked_at` must be read again: at once
/// when one of them is revoked, soon when a token names an unknown one, otherwise after
/// the cache time.
async fn wait(keys: &KeySet, asked_at: Instant, cache: Duration) {
    let (gap, cache) = pauses(cache);
    let named = async {
        sleep_until(asked_at + gap).await;
        let _ = timeout_at(asked_at + cache, keys.wanted()).await;
    };
    tokio::select! {
        () = keys.one_revoked() => {}
        () = named => {}
    }
}

/// The minimum and maximum time between two reads. A cache time shorter than the minimum
/// is respected, because a key can sign after two of them.
fn pauses(cache: Duration) -> (Duration, Duration) {
    let cache = cache.clamp(CACHE_MIN, CACHE_MAX);
    (READ_GAP.min(cache), cache)
}

async fn read(
    auth: &mut AuthServiceClient<Channel>,
) -> Result<(Vec<Jwk>, Duration), tonic::Status> {
    let answer = auth.get_jwks(GetJwksRequest {}).await?.into_inner();
    let cache = answer.cache_duration.and_then(|time| time.try_into().ok());
    Ok((jwks(&answer.keys), cache.unwrap_or(CACHE_MAX)))
}

/// Reads the keys; skips those of an unknown kind, as RFC 7517 section 5 requires.
fn jwks(keys: &[JsonWebKey]) -> Vec<Jwk> {
    let read = |key: &JsonWebKey| {
        let mut fields = serde_json::json!({
            "kty": key.kty, "crv": key.crv, "x": key.x,
            "alg": key.alg, "use": key.r#use, "kid": key.kid,
        });
        if !key.y.is_empty() {
            fields["y"] = key.y.clone().into();
        }
        let set = serde_json::from_value::<JwkSet>(serde_json::json!({ "keys": [fields] }));
        set.ok().and_then(|mut set| set.keys.pop())
    };
    keys.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_cache_time_is_kept_and_tokens_cause_no_read_before_it() {
        for (cache, least, most) in [
            (0, 1, 1),
            (1, 1, 1),
            (2, 1, 2),
            (300, 1, 300),
            (3600, 1, 300),
        ] {
            let (gap, rest) = pauses(Duration::from_secs(cache));
            assert_eq!((gap.as_secs(), rest.as_secs()), (least, most), "{cache}");
        }
    }
}
