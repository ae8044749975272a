//! The outbox: waiting mail, sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chassis::settings::keyring::KeyRing;
use sqlx::PgExecutor;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Letter;
use crate::error::{Error, Result};
use crate::sealed::{self, OpenError};
use crate::store;

const KEY_PURPOSE: &str = "outbox";

/// Stores mail if mail is configured; clones share it.
#[derive(Clone)]
pub struct Outbox {
    ring: Arc<KeyRing>,
    open: bool,
    told: Arc<AtomicBool>,
}

impl Outbox {
    /// Seals with this ring. If it is not open, it drops mail, and logs that the first
    /// time.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, open: bool) -> Self {
        Self {
            ring,
            open,
            told: Arc::default(),
        }
    }

    /// Stores a letter until it is sent; if `db` is a transaction, only if that commits.
    pub async fn put(&self, db: impl PgExecutor<'_>, letter: &Letter) -> Result<()> {
        if !self.open {
            if !self.told.swap(true, Ordering::Relaxed) {
                tracing::warn!("mail is not configured, so none is sent: set SMTP_URL");
            }
            return Ok(());
        }
        let id = Uuid::now_v7();
        let sealed = self.seal(id, letter)?;
        store::outbox::insert(db, id, &sealed, letter.expire_time(), letter.time).await
    }

    /// A letter sealed for the row `id`.
    pub(crate) fn seal(&self, id: Uuid, letter: &Letter) -> Result<Vec<u8>> {
        let bytes = Zeroizing::new(
            serde_json::to_vec(letter).map_err(Error::internal("cannot write a mail as JSON"))?,
        );
        let sealed = sealed::seal(&self.ring, KEY_PURPOSE, id.as_bytes(), &bytes);
        sealed.map_err(Error::from)
    }

    /// Opens the letter of the row `id`.
    pub(crate) fn open(&self, id: Uuid, sealed: &[u8]) -> Result<Letter, OpenError> {
        let bytes = sealed::open(&self.ring, KEY_PURPOSE, id.as_bytes(), sealed)?;
        serde_json::from_slice(&bytes).map_err(|_| OpenError::Broken)
    }
}
