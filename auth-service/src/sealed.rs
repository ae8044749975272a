//! Sealed secrets in the database: `ring kid:1 | nonce:12 | AES-256-GCM(secret)`, bound
//! to their row, so that rows cannot be swapped.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use chassis::settings::keyring::KeyRing;
use zeroize::Zeroizing;

/// Why a secret cannot be opened. Never contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring lacks the key that sealed it.
    #[error("sealed with key {ring_kid}, which is missing in the key file")]
    KeyMissing {
        /// The number of the key in the key file.
        ring_kid: u8,
    },
    /// It was changed, belongs to another row, or was sealed under another key.
    #[error("cannot be decrypted with the key file")]
    Broken,
}

/// Seals a secret with the newest key of the ring, for one purpose and one row.
pub fn seal(
    ring: &KeyRing,
    purpose: &str,
    row: &[u8],
    secret: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let (ring_kid, key) = ring.current(purpose);
    // Sealed in place, with room for the tag, so that no copy of the secret stays in
    // memory.
    let mut sealed = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(secret);
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, &*key)?
        .seal_in_place_append_tag(Aad::from(row), &mut sealed)?;
    let parts: [&[u8]; 3] = [&[ring_kid], nonce.as_ref(), &sealed];
    Ok(parts.concat())
}

/// Opens what was sealed for this purpose and row.
pub fn open(
    ring: &KeyRing,
    purpose: &str,
    row: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (ring_kid, rest) = sealed.split_first().ok_or(OpenError::Broken)?;
    let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Broken)?;
    let key = ring.get(*ring_kid, purpose).ok_or(OpenError::KeyMissing {
        ring_kid: *ring_kid,
    })?;
    let mut secret = Zeroizing::new(rest.to_vec());
    let length = Nonce::try_assume_unique_for_key(nonce)
        .and_then(|nonce| {
            RandomizedNonceKey::new(&AES_256_GCM, &*key)?
                .open_in_place(nonce, Aad::from(row), &mut secret)
                .map(|secret| secret.len())
        })
        .map_err(|Unspecified| OpenError::Broken)?;
    secret.truncate(length);
    Ok(secret)
}

/// Whether the newest key of the ring sealed it.
#[must_use]
pub fn is_current(ring: &KeyRing, sealed: &[u8]) -> bool {
    sealed.first() == Some(&ring.current_kid())
}
