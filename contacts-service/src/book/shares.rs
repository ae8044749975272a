//! Writes to shares. Each takes the owner's next version: so every other write comes
//! either before a share ends or after it, and watching streams check their rights again.

use crate::book::Book;
use crate::book::write::Write;
use crate::contact::{earlier, etag};
use crate::error::{Error, LabelError, Result, ShareError};
use crate::model::share::{Offer, Recipient, SHARES_MAX, Share, ShareId};
use crate::store::{labels, shares};

impl Book<'_> {
    /// Offers the owner's contacts; with `validate_only`, only validates.
    pub async fn offer(&self, offer: &Offer, validate_only: bool) -> Result<Share> {
        let mut write = Write::begin_of_shares(self).await?;
        shares::delete_expired(&mut *write, self.owner, self.now).await?;
        let label = match offer.label_id {
            None => None,
            Some(id) => {
                let label = labels::get(&mut *write, self.owner, id).await?;
                Some(label.ok_or(LabelError::NotFound(id))?)
            }
        };
        if let Some(other) = shares::find_same(&mut *write, self.owner, offer).await? {
            return Err(ShareError::Exists(other).into());
        }
        if shares::count(&mut *write, self.owner).await? >= SHARES_MAX {
            return Err(ShareError::QuotaExceeded.into());
        }
        let share = Share {
            id: ShareId::generate(),
            owner_id: self.owner,
            owner_email: offer.owner_email.as_str().to_owned(),
            recipient_email: offer.recipient_email.as_str().to_owned(),
            label_id: offer.label_id,
            label_name: label.map(|label| label.name),
            is_editor: offer.is_editor,
            version: write.version(),
            create_time: self.now,
            update_time: self.now,
            accept_time: None,
        };
        shares::insert(&mut *write, &share).await?;
        if !validate_only {
            write.commit().await?;
        }
        Ok(share)
    }

    /// Changes the role, or leaves the share unchanged.
    pub async fn change_role(
        &self,
        id: ShareId,
        is_editor: Option<bool>,
        expected: &str,
    ) -> Result<Share> {
        let mut write = Write::begin_of_shares(self).await?;
        let share = shares::get(&mut *write, self.owner, id, self.now).await?;
        let share = share.ok_or(ShareError::NotFound)?;
        // A repeat after a lost response has the previous etag.
        if is_editor == Some(share.is_editor) && earlier(expected, share.version).is_some() {
            return Ok(share);
        }
        check_etag(&share, expected)?;
        let Some(is_editor) = is_editor.filter(|is_editor| *is_editor != share.is_editor) else {
            return Ok(share);
        };
        let changed = Share {
            is_editor,
            ..self.written(share, write.version())
        };
        shares::update(&mut *write, &changed, None).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Accepts an offer to `recipient`; a repeat changes nothing.
    pub async fn accept(
        &self,
        id: ShareId,
        recipient: &Recipient,
        accepts: bool,
        expected: &str,
    ) -> Result<Share> {
        let mut write = Write::begin_of_shares(self).await?;
        let share = shares::get_for(&mut *write, self.owner, id, recipient, self.now).await?;
        let share = share.ok_or(ShareError::NotFound)?;
        let is_accepted = share.accept_time.is_some();
        // A repeat after a lost response has the previous etag.
        if accepts && is_accepted && earlier(expected, share.version).is_some() {
            return Ok(share);
        }
        check_etag(&share, expected)?;
        if !accepts || is_accepted {
            return Ok(share);
        }
        let changed = Share {
            accept_time: Some(self.now),
            ..self.written(share, write.version())
        };
        shares::update(&mut *write, &changed, Some(recipient.id)).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Ends a share of the owner; or, as the recipient, one of `recipient`. False if
    /// there is none.
    pub async fn end_share(&self, id: ShareId, recipient: Option<&Recipient>) -> Result<bool> {
        let mut write = Write::begin_of_shares(self).await?;
        let share = match recipient {
            None => shares::get(&mut *write, self.owner, id, self.now).await?,
            Some(recipient) => {
                shares::get_for(&mut *write, self.owner, id, recipient, self.now).await?
            }
        };
        if share.is_none() {
            return Ok(false);
        }
        shares::delete(&mut *write, self.owner, id).await?;
        write.commit().await?;
        Ok(true)
    }

    fn written(&self, share: Share, version: i64) -> Share {
        Share {
            version,
            update_time: self.now,
            ..share
        }
    }
}

fn check_etag(share: &Share, expected: &str) -> Result<()> {
    let current = etag(share.version);
    if expected.is_empty() || expected == current {
        Ok(())
    } else {
        let id = share.id.0;
        Err(Error::EtagMismatch { id, current })
    }
}
