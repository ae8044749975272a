//! The errors with which the service fails to start or stops.

use chassis::access::rate_limits::NoSuchGroup;
use chassis::database::DbError;
use chassis::serve::ServeError;
use chassis::settings::keyring::KeyRingError;
use chassis::settings::secret_file::SecretFileError;

use crate::error::Error;
use crate::mail::MailError;
use crate::passwords::hasher::StartHasherError;
use crate::passwords::pepper::NoSuchPepper;
use crate::passwords::phc::HashError;
use crate::signing_keys::SigningKeysError;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The secret keys cannot be used.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DbError),
    /// argon2's parameters are not a valid combination.
    #[error("the ARGON2 settings are not a valid combination: {0}")]
    Recipe(HashError),
    /// The file of peppers cannot be used.
    #[error("PASSWORD_PEPPER_FILE: {0}")]
    PepperFile(KeyRingError),
    /// The pepper for new hashes is missing.
    #[error(transparent)]
    Pepper(#[from] NoSuchPepper),
    /// The hasher cannot be started.
    #[error(transparent)]
    Hasher(#[from] StartHasherError),
    /// The secret of the contacts service cannot be used.
    #[error(transparent)]
    ContactsSecret(#[from] SecretFileError),
    /// The mail settings cannot be used.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The service account of the contacts service cannot be stored.
    #[error("cannot store the account of the contacts service")]
    ContactsAccount(#[source] Error),
    /// There is no signing key.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeysError),
    /// The limits on calls cannot be used.
    #[error(transparent)]
    RateLimits(#[from] NoSuchGroup),
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}
