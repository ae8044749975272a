//! Signing keys: their algorithms and states.

/// The algorithms of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    #[value(name = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256, for gateways without `EdDSA`.
    #[value(name = "ES256")]
    Es256,
}

impl Algorithm {
    /// The `alg` of JWT headers and JWKs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256]
            .into_iter()
            .find(|known| known.name() == name)
    }
}

/// The state of a key, which never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that readers know it before it signs.
    Staged,
    /// Signs; one key at most.
    Active,
    /// Published, so that its tokens are accepted until they expire.
    Retiring,
    /// Not published, and its private part is deleted.
    Revoked,
}

impl KeyState {
    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }
}

/// A key as stored.
#[derive(Clone, Debug)]
pub struct SealedKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The public part, as JSON.
    pub public_jwk: String,
    /// The private part.
    pub private_key_sealed: Vec<u8>,
}
