//! Gives the labels of a book the keys of now, and its contacts with them, in one
//! transaction: a label is found through a contact's key only if both are of one version.
//!
//! Earlier versions compared labels without their marks, so that contacts have labels under
//! other spellings than the label's own. Such a contact gets the label's spelling in
//! addition: nobody who shares the label loses a contact, and its own spelling becomes a
//! label that the owner can use instead.

use std::collections::{BTreeMap, HashMap};

use chassis::database::pool::Connection;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use proto::contacts::v1::ContactChange;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::body::Body;
use crate::contact::identity::label_key;
use crate::contact::labels::spell;
use crate::contact::row::ContactRow;
use crate::contact::search_text::label_lines;
use crate::error::Result;
use crate::model::label::{Label, LabelId};
use crate::model::stamp::Stamp;
use crate::store::members::{self, Relabelled};
use crate::store::rebuild::{self, Labelled};
use crate::store::{labels, owners};

/// Contacts in memory at a time, of up to 64 KiB each.
const AT_A_TIME: i64 = 250;

/// What was one label before, and would be several now.
#[derive(Default)]
pub(super) struct Parted {
    /// The spellings that became labels of their own.
    spellings: usize,
    /// The contacts that have one of them, and kept the label besides.
    contacts: usize,
}

impl Parted {
    /// Logs the numbers, never a name.
    pub(super) fn report(&self) {
        let Self {
            spellings,
            contacts,
        } = self;
        if *contacts > 0 {
            tracing::info!(
                spellings,
                contacts,
                "contacts kept a label that they have under another spelling"
            );
        }
    }
}

/// Renames the keys of the owner's labels. The caller has locked the owner's row.
pub(super) async fn rename(
    db: &mut Connection,
    owner: UserId,
    now: DateTime<Utc>,
) -> Result<Parted> {
    let stored = labels::list(&mut *db, owner, None).await?;
    let (old, current): (Vec<Label>, Vec<Label>) = stored
        .into_iter()
        .partition(|label| label.name_key != label_key(&label.name));
    if old.is_empty() {
        return Ok(Parted::default());
    }
    let by_key: HashMap<&str, &Label> = old.iter().map(|label| (&*label.name_key, label)).collect();
    let mut renaming = Renaming::default();
    let keys: Vec<&str> = by_key.keys().copied().collect();
    let mut after = Uuid::nil();
    loop {
        let contacts = rebuild::labelled(&mut *db, owner, &keys, after, AT_A_TIME).await?;
        let Some(last) = contacts.last() else {
            break;
        };
        after = last.id.0;
        for contact in contacts {
            renaming.add(&by_key, &contact)?;
        }
    }
    give_names(db, owner, &old, current).await?;
    rebuild::store_label_keys(&mut *db, owner, &renaming.keys).await?;
    let parted = Parted {
        spellings: renaming.spellings.len(),
        contacts: renaming.changed.len(),
    };
    if parted.contacts > 0 {
        renaming.write(db, owner, now).await?;
    }
    Ok(parted)
}

/// Spells the labels of contacts as the owner's labels are: earlier programs kept each as
/// it was typed. A contact in which there is no room for that keeps its own.
pub(super) async fn respell(
    db: &mut Connection,
    owner: UserId,
    now: DateTime<Utc>,
    rows: &[ContactRow],
) -> Result<()> {
    if rows.iter().all(|row| row.keys.labels.is_empty()) {
        return Ok(());
    }
    let stored = labels::list(&mut *db, owner, None).await?.into_iter();
    let names = stored.map(|label| (label.name_key, label.name)).collect();
    let mut changed = Vec::new();
    for ContactRow { contact, .. } in rows {
        let body = Body::decode(&contact.body)?;
        if let Ok(body) = body.relabel("labels", |labels| spell(labels, &names))
            && body.encode() != contact.body
        {
            changed.push(relabelled(contact.id, &contact.body, &body));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let stamp = stamp(db, owner, now).await?;
    let bytes_added = changed.iter().map(|contact| contact.bytes_added).sum();
    members::relabel(db, owner, stamp, &changed, bytes_added).await
}

fn relabelled(id: ContactId, before: &[u8], body: &Body) -> Relabelled {
    let encoded = body.encode();
    let size = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let labels = &body.message().labels;
    Relabelled {
        id,
        bytes_added: size(&encoded) - size(before),
        body: encoded,
        label_keys: labels.iter().map(|label| label_key(label)).collect(),
        label_lines: label_lines(labels),
    }
}

/// Takes a version for contacts that change.
async fn stamp(db: &mut Connection, owner: UserId, now: DateTime<Utc>) -> Result<Stamp> {
    Ok(Stamp {
        version: owners::begin_write(db, owner).await?.version,
        time: now,
        change: ContactChange::Updated,
        writer: None,
        has_room: true,
    })
}

/// Gives each label the key of its name. Programs of the version before may have created a
/// label that exists under its new key; then its shares become those of that one.
async fn give_names(
    db: &mut Connection,
    owner: UserId,
    old: &[Label],
    current: Vec<Label>,
) -> Result<()> {
    let current = current.into_iter().map(|label| (label.name_key, label.id));
    let mut taken: HashMap<String, LabelId> = current.collect();
    let mut renamed = Vec::new();
    for label in old {
        let key = label_key(&label.name);
        if let Some(kept) = taken.get(&key) {
            rebuild::replace_label(db, owner, label.id, *kept).await?;
            continue;
        }
        renamed.push((label.id, key.clone()));
        taken.insert(key, label.id);
    }
    rebuild::rename_keys(db, owner, &renamed).await
}

/// What to store of the contacts.
#[derive(Default)]
struct Renaming {
    /// The new keys of those that do not change.
    keys: Vec<(ContactId, Vec<String>)>,
    /// Those that get a label in addition.
    changed: Vec<Relabelled>,
    /// The labels that they have under other spellings, by key.
    spellings: BTreeMap<String, String>,
}

impl Renaming {
    fn add(&mut self, old: &HashMap<&str, &Label>, contact: &Labelled) -> Result<()> {
        let body = Body::decode(&contact.body)?;
        let texts = &body.message().labels;
        let mut names: Vec<String> = Vec::new();
        for (text, key) in texts.iter().zip(&contact.label_keys) {
            let label = old.get(&**key).filter(|label| !is_same(text, &label.name));
            if let Some(label) = label {
                self.spellings.insert(label_key(text), text.clone());
                names.push(label.name.clone());
            }
        }
        names.retain(|name| !texts.iter().any(|text| is_same(text, name)));
        if names.is_empty() {
            let keys = texts.iter().map(|text| label_key(text)).collect();
            self.keys.push((contact.id, keys));
            return Ok(());
        }
        let body = match body
            .clone()
            .relabel("labels", |labels| labels.extend(names.clone()))
        {
            Ok(body) => body,
            // No room for both: the label that is shared and listed stays.
            Err(_) => body.relabel("labels", |labels| {
                let place = |key: &String| contact.label_keys.iter().position(|other| other == key);
                for label in old.values() {
                    if let Some(text) = place(&label.name_key).and_then(|at| labels.get_mut(at)) {
                        text.clone_from(&label.name);
                    }
                }
            })?,
        };
        self.changed
            .push(relabelled(contact.id, &contact.body, &body));
        Ok(())
    }

    /// Writes the contacts that change, under a version of their own.
    async fn write(self, db: &mut Connection, owner: UserId, now: DateTime<Utc>) -> Result<()> {
        let stamp = stamp(db, owner, now).await?;
        let labels = self.spellings.into_iter().map(|(name_key, name)| Label {
            id: LabelId::generate(),
            name_key,
            name,
            version: stamp.version,
            create_time: now,
            update_time: now,
        });
        rebuild::create_labels(&mut *db, owner, &labels.collect::<Vec<_>>()).await?;
        let bytes_added = self.changed.iter().map(|contact| contact.bytes_added).sum();
        members::relabel(db, owner, stamp, &self.changed, bytes_added).await
    }
}

fn is_same(one: &str, other: &str) -> bool {
    label_key(one) == label_key(other)
}
