//! Caches verified tokens: verifying a signature costs more than the rest of a short
//! call.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::access::caller::Caller;
use crate::access::token::{TOKEN_BYTES_MAX, TokenError, Verifier};
use crate::sha256::sha256;

/// The maximum number of cached tokens; each takes about 300 bytes.
const TOKENS_MAX: usize = 10_000;

/// A verifier with a cache.
pub(crate) struct VerifiedTokens {
    verifier: Arc<Verifier>,
    /// The key is the SHA-256 of the token, so that no usable token stays in memory.
    cached: Cache<[u8; 32], CachedCaller>,
}

#[derive(Clone)]
struct CachedCaller {
    caller: Arc<Caller>,
    /// The generation of the keys that verified it.
    keys: u64,
}

impl VerifiedTokens {
    pub(crate) fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            cached: Cache::new(TOKENS_MAX),
        }
    }

    /// The caller of a token. A token is cached until it expires or the keys change,
    /// because its own key may have been revoked.
    pub(crate) fn caller(&self, token: &str) -> Result<Arc<Caller>, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let name = sha256(token.as_bytes());
        // Read before the check, so that keys that change meanwhile invalidate the entry.
        let keys = self.verifier.key_generation();
        if let Some(cached) = self.cached.get(&name)
            && cached.keys == keys
        {
            self.verifier.check_expiry(cached.caller.expires_at)?;
            return Ok(cached.caller);
        }
        let caller = Arc::new(Caller::from(self.verifier.verify(token)?));
        let cached = CachedCaller {
            caller: Arc::clone(&caller),
            keys,
        };
        self.cached.insert(name, cached);
        Ok(caller)
    }

    /// Refuses a caller whose token has expired, or whose key was removed.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        self.verifier.check_still(caller.expires_at, &caller.key_id)
    }
}
