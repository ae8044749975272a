//! Compares what is stored at the end with what was acknowledged.

use std::collections::BTreeSet;

use proto::contacts::v1::{Contact, Label};

use super::writer::Writer;

/// So many contacts are searched for.
const SEARCHES: usize = 30;

/// Compares an owner's lists and searches with what it acknowledged; returns what is stored.
pub(super) async fn compare(writer: &Writer) -> Option<(Vec<Contact>, Vec<Label>)> {
    let history = &writer.caller.history;
    let stored = writer.read_all(true).await?;
    let labels = writer.read_labels().await?;
    for wrong in writer.book.compare(&stored) {
        history.violate("book", &wrong.tag, wrong.text);
    }
    history.check("book", true, "", String::new);
    let names: BTreeSet<_> = labels.iter().map(|label| label.name.clone()).collect();
    let known: BTreeSet<_> = writer.label_names().into_iter().collect();
    history.check("labels", names == known, "", || {
        format!("the labels are {names:?} instead of {known:?}")
    });
    for tag in writer.book.known.keys().take(SEARCHES) {
        // At one replica, then at the other.
        writer.search_for(tag).await;
        writer.search_for(tag).await;
    }
    Some((stored, labels))
}
