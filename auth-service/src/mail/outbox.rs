//! Where mail waits, sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chassis::start::keyring::KeyRing;
use sqlx::PgExecutor;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Letter;
use crate::error::{Error, Result};
use crate::sealed::{self, OpenError};
use crate::store;

const KEY_PURPOSE: &str = "outbox";

/// Takes mail, where there is a way to send it; clones are one.
#[derive(Clone)]
pub struct Outbox {
    ring: Arc<KeyRing>,
    open: bool,
    told: Arc<AtomicBool>,
}

impl Outbox {
    /// Seals with this ring. One that is not open drops what is put into it, and says
    /// so in the log at the first time.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, open: bool) -> Self {
        Self {
            ring,
            open,
            told: Arc::default(),
        }
    }

    /// Keeps a letter until it is sent; where `db` is a transaction, if that commits.
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

    /// A letter as it is stored in the row `id`.
    pub(crate) fn seal(&self, id: Uuid, letter: &Letter) -> Result<Vec<u8>> {
        let bytes = Zeroizing::new(
            serde_json::to_vec(letter).map_err(Error::internal("cannot write a mail as JSON"))?,
        );
        let sealed = sealed::seal(&self.ring, KEY_PURPOSE, id.as_bytes(), &bytes);
        sealed.map_err(Error::from)
    }

    /// Reads a letter that is stored in the row `id`.
    pub(crate) fn open(&self, id: Uuid, sealed: &[u8]) -> Result<Letter, OpenError> {
        let bytes = sealed::open(&self.ring, KEY_PURPOSE, id.as_bytes(), sealed)?;
        serde_json::from_slice(&bytes).map_err(|_| OpenError::Broken)
    }
}
