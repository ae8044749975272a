//! An owner's figures.

use std::collections::{BTreeMap, HashMap};

use chassis::pool::Pool;
use chassis::user_id::UserId;
use prost::Message;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::fold::label_key;
use crate::error::Result;
use crate::store::{contacts, stats};

/// The most labels that are counted.
const LABELS_MAX: i64 = 1000;
/// Contacts whose spelling of labels is read at a time: each can take 64 KiB.
const SAMPLES: usize = 50;

/// A contact of which nothing but the labels is read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct OnlyLabels {
    #[prost(string, repeated, tag = "30")]
    labels: Vec<String>,
}

/// How many of the owner's live contacts have each label, by one of its spellings.
pub async fn by_label(db: &Pool, owner: UserId) -> Result<BTreeMap<String, i64>> {
    let labels = stats::labels(db, owner, LABELS_MAX).await?;
    let mut samples: Vec<ContactId> = labels.iter().map(|label| label.sample).collect();
    samples.sort_unstable();
    samples.dedup();
    let mut spellings: HashMap<String, String> = HashMap::new();
    for samples in samples.chunks(SAMPLES) {
        let ids: Vec<Uuid> = samples.iter().map(|id| id.0).collect();
        for contact in contacts::get_many(db, owner, &ids).await? {
            let spelled = OnlyLabels::decode(&*contact.body)?.labels;
            spellings.extend(spelled.into_iter().map(|label| (label_key(&label), label)));
        }
    }
    let counted = labels.into_iter().map(|label| {
        // Meanwhile the sample may have lost the label.
        let name = spellings.remove(&label.key).unwrap_or(label.key);
        (name, label.count)
    });
    Ok(counted.collect())
}
