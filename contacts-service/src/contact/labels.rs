//! The spelling of a contact's labels: each is written as the owner's label is.

use std::collections::BTreeMap;

use super::body::Body;
use super::identity::label_key;
use crate::error::Result;

/// Writes the labels that `names` has, by key, as they are there.
pub fn spell(labels: &mut [String], names: &BTreeMap<String, String>) {
    for label in labels {
        if let Some(name) = names.get(&label_key(label)) {
            label.clone_from(name);
        }
    }
}

/// Spells the labels that a contact had before as they were.
pub fn keep_spelled(labels: &mut [String], known: &[String]) {
    if labels != known {
        spell(labels, &names(known));
    }
}

/// Whether two stored bodies differ in nothing but the spelling of labels.
pub fn are_alike(one: &[u8], other: &[u8]) -> Result<bool> {
    if one == other {
        return Ok(true);
    }
    let known = Body::decode(other)?;
    let spelled = Body::decode(one)?.relabel("labels", |labels| {
        spell(labels, &names(&known.message().labels));
    });
    Ok(spelled.is_ok_and(|spelled| spelled.message() == known.message()))
}

fn names(labels: &[String]) -> BTreeMap<String, String> {
    let names = labels.iter();
    names
        .map(|label| (label_key(label), label.clone()))
        .collect()
}
