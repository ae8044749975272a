//! The settings of an address book, and the country of the national numbers in a call.

use chassis::database::pool::Pool;
use chassis::user_id::UserId;
use proto::contacts::v1::Contact;

use crate::book::Book;
use crate::book::write::Write;
use crate::contact::phone::{DefaultRegion, is_national};
use crate::error::{Error, Result};
use crate::model::settings::{Settings, SettingsUpdate};
use crate::store::settings;

/// The country of national numbers in a call: the one that it names, else that of the
/// owner's settings.
pub async fn region_of_call(
    db: &Pool,
    owner: UserId,
    default_region: &str,
) -> Result<DefaultRegion> {
    if default_region.is_empty() {
        return Ok(settings::get(db, owner).await?.region());
    }
    DefaultRegion::parse(default_region)
}

impl Book<'_> {
    /// The country of national numbers for requests that name none. It is read only if
    /// one of these requests, each a `default_region` and a contact, depends on it.
    pub async fn region_for<'r>(
        &self,
        mut requests: impl Iterator<Item = (&'r str, Option<&'r Contact>)>,
    ) -> Result<DefaultRegion> {
        let has_national = |contact: &Contact| {
            let mut phones = contact.phones.iter();
            phones.any(|phone| is_national(&phone.number))
        };
        if requests.any(|(named, contact)| named.is_empty() && contact.is_some_and(has_national)) {
            return region_of_call(&self.db, self.owner, "").await;
        }
        Ok(DefaultRegion::NONE)
    }

    /// Changes the settings. Nothing is written if they are so already, as after a
    /// repeated call.
    pub async fn update_settings(&self, update: SettingsUpdate) -> Result<Settings> {
        let mut write = Write::begin(self).await?;
        let current = settings::get(&mut *write, self.owner).await?;
        let (etag, expected) = (current.etag(), update.etag.clone());
        let changed = update.apply(current.clone());
        if changed == current {
            return Ok(current);
        }
        if !expected.is_empty() && expected != etag {
            return Err(Error::EtagMismatch {
                id: self.owner.0,
                current: etag,
            });
        }
        settings::set(&mut *write, self.owner, &changed).await?;
        write.commit().await?;
        Ok(changed)
    }
}
