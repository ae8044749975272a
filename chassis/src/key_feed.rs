//! Keeps a key set as the auth service has it, in the background: no call of a
//! user ever waits for it, and no address comes from a token.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetJwksRequest, JsonWebKey};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, Endpoint};

use crate::token::KeySet;

/// The longest time between two reads.
const CACHE_MAX: Duration = Duration::from_mins(5);
/// The shortest time between two reads, whatever tokens ask for.
const READ_GAP: Duration = Duration::from_secs(10);
/// How long keys are used while the auth service is away.
const STALE_MAX: Duration = Duration::from_hours(24);

/// Reads the keys of `auth` into `keys`, for ever.
pub async fn follow(auth: Endpoint, keys: KeySet) {
    let endpoint = auth
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(5));
    let mut auth = AuthServiceClient::new(endpoint.connect_lazy());
    let mut read_at = Instant::now();
    let mut retry = Duration::from_millis(50);
    loop {
        match read(&mut auth).await {
            Ok((jwks, cache)) => {
                keys.replace(&jwks);
                tracing::debug!(keys = jwks.len(), "read the key set");
                (read_at, retry) = (Instant::now(), Duration::from_millis(50));
                sleep(READ_GAP).await;
                let rest = cache.min(CACHE_MAX).saturating_sub(READ_GAP);
                let _ = timeout(rest, keys.wanted()).await;
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), "cannot read the key set");
                if read_at.elapsed() > STALE_MAX {
                    keys.replace(&[]);
                }
                sleep(retry).await;
                retry = (retry * 2).min(Duration::from_secs(5));
            }
        }
    }
}

async fn read(
    auth: &mut AuthServiceClient<Channel>,
) -> Result<(Vec<Jwk>, Duration), tonic::Status> {
    let answer = auth.get_jwks(GetJwksRequest {}).await?.into_inner();
    let cache = answer.cache_duration.and_then(|time| time.try_into().ok());
    Ok((jwks(&answer.keys), cache.unwrap_or(CACHE_MAX)))
}

/// Reads the keys; one of an unknown kind is left out, as RFC 7517 section 5
/// asks.
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
