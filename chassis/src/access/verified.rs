//! Remembers tokens that were found good: checking a signature costs more than
//! the rest of a short call.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::access::caller::Caller;
use crate::access::token::{TOKEN_BYTES_MAX, TokenError, Verifier};
use crate::sha256::sha256;

/// The most tokens that are remembered; each takes about 300 bytes.
const TOKENS_MAX: usize = 10_000;

/// A verifier with a memory.
pub(crate) struct VerifiedTokens {
    verifier: Arc<Verifier>,
    /// By SHA-256, so that no token that works stays in memory.
    good: Cache<[u8; 32], Good>,
}

#[derive(Clone)]
struct Good {
    caller: Arc<Caller>,
    /// The generation of the keys that it was checked with.
    keys: u64,
}

impl VerifiedTokens {
    pub(crate) fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            good: Cache::new(TOKENS_MAX),
        }
    }

    /// Whose token it is. A token is remembered until it ends or the keys
    /// change, which may have been because its own was revoked.
    pub(crate) fn caller(&self, token: &str) -> Result<Arc<Caller>, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let name = sha256(token.as_bytes());
        // Before the check: keys that change meanwhile make it a new one.
        let keys = self.verifier.key_generation();
        if let Some(good) = self.good.get(&name)
            && good.keys == keys
        {
            self.verifier.check_expiry(good.caller.expires_at)?;
            return Ok(good.caller);
        }
        let caller = Arc::new(Caller::from(self.verifier.verify(token)?));
        let good = Good {
            caller: Arc::clone(&caller),
            keys,
        };
        self.good.insert(name, good);
        Ok(caller)
    }

    /// Refuses a caller whose token has ended, or was signed with a key that is not
    /// in force any more.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        self.verifier.check_still(caller.expires_at, &caller.key_id)
    }
}
