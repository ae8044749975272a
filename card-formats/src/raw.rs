//! The raw properties of a contact that is read.

use prost::Message;
use proto::contacts::v1::Contact;

use crate::card::Warning;
use crate::limits;

/// Drops raw properties that are too many or too large for the contact, the largest first.
pub(crate) fn fit(contact: &Contact, raw: &mut Vec<String>, warnings: &mut Vec<Warning>) {
    let mut room = limits::CONTACT_BYTES.saturating_sub(contact.encoded_len());
    let mut by_size: Vec<usize> = (0..raw.len()).collect();
    by_size.sort_by_key(|at| raw[*at].len());
    let mut kept = vec![false; raw.len()];
    for at in by_size.into_iter().take(limits::RAW_PROPERTIES) {
        // Its key and its length need up to five bytes.
        let Some(left) = room.checked_sub(raw[at].len() + 5) else {
            break;
        };
        room = left;
        kept[at] = true;
    }
    for (text, _) in raw.iter().zip(&kept).filter(|(_, kept)| !**kept) {
        if warnings.len() < limits::WARNINGS {
            let name = text.split([':', ';']).next().unwrap_or_default();
            warnings.push(Warning {
                property: name.to_owned(),
                text: "was dropped: the card has more than fits in a contact".into(),
            });
        }
    }
    let mut kept = kept.into_iter();
    raw.retain(|_| kept.next().unwrap_or(false));
}
