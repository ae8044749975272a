//! Random writes to one contact, compared with a list of all its states.

use proto::contacts::v1::{Contact, ContactChange, ContactRevision};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{email, full, phone};

/// The revisions from the first one.
type History = Vec<ContactRevision>;

fn patch(random: &mut fastrand::Rng, id: &str) -> (Contact, Vec<&'static str>) {
    let word = |random: &mut fastrand::Rng| random.u8(0..4).to_string();
    let mut contact = Contact {
        id: id.into(),
        ..Contact::default()
    };
    let field = match random.u8(0..7) {
        0 => {
            contact.notes = word(random);
            "notes"
        }
        1 => {
            let numbers = ["020 7946 0958", "+49 30 123456", "call me"];
            contact.phones = vec![phone(random.choice(numbers).unwrap())];
            "phones"
        }
        2 => {
            contact.emails = vec![email(&format!("{}@example.com", word(random)))];
            "emails"
        }
        3 => {
            contact.starred = random.bool();
            "starred"
        }
        4 => {
            contact.family_name = word(random);
            "family_name"
        }
        5 => "custom_fields",
        _ => {
            contact.given_name = word(random);
            "*"
        }
    };
    (contact, vec![field])
}

/// The contact after a restoration: everything but the stamp is from the revision.
fn as_in(revision: &ContactRevision, stamped: &Contact) -> Contact {
    Contact {
        etag: stamped.etag.clone(),
        version: stamped.version,
        update_time: stamped.update_time,
        delete_time: None,
        expire_time: None,
        ..revision.contact.clone().unwrap()
    }
}

/// One write; returns the kind of change, and the contact after it.
async fn write(
    random: &mut fastrand::Rng,
    owner: &Owner,
    history: &History,
) -> (ContactChange, Contact) {
    let last = history.last().unwrap().contact.clone().unwrap();
    let id = &*last.id;
    let is_live = last.delete_time.is_none();
    match random.u8(0..10) {
        0..=4 if is_live => {
            let (patch, mask) = patch(random, id);
            let contact = owner.update(patch, &mask).await.unwrap();
            (ContactChange::Updated, contact)
        }
        5 | 6 if is_live => {
            let (patch, _) = patch(random, id);
            let batch = owner.batch_update([patch], false).await.unwrap();
            let contact = batch.into_iter().next().unwrap().unwrap();
            (ContactChange::Updated, contact)
        }
        7 if is_live => (ContactChange::Deleted, owner.delete(id).await.unwrap()),
        7 => (ContactChange::Undeleted, owner.undelete(id).await.unwrap()),
        _ => {
            let kept = &history[history.len().saturating_sub(50)..];
            let revision = random.choice(kept).unwrap();
            let contact = owner
                .restore(id, &revision.revision_id, &last.etag)
                .await
                .unwrap();
            assert_eq!(contact, as_in(revision, &contact));
            (ContactChange::Restored, contact)
        }
    }
}

#[tokio::test]
async fn a_history_is_what_the_writes_made_it() {
    let app = App::start().await;
    let owner = app.owner();
    let mut random = fastrand::Rng::with_seed(0x0b00_c0de);
    let contact = owner.has(full()).await;
    let id = contact.id.clone();
    let writer = owner.revisions(&id, 0).await[0].writer_id.clone();
    let revision = |change: ContactChange, contact: Contact| ContactRevision {
        revision_id: contact.version.to_string(),
        revision_time: contact.update_time,
        change: change.into(),
        contact: Some(contact),
        writer_id: writer.clone(),
    };
    let mut history = vec![revision(ContactChange::Created, contact)];

    for step in 0..200 {
        let before = history.last().unwrap().contact.clone().unwrap();
        let (change, contact) = write(&mut random, &owner, &history).await;
        if contact.version == before.version {
            assert_eq!(contact, before, "step {step}");
        } else {
            history.push(revision(change, contact));
        }

        let kept = history.iter().rev().take(50);
        let listed = owner.revisions(&id, 20).await;
        assert!(listed.iter().eq(kept), "step {step} {change:?}");
        let last = history.last().unwrap().contact.clone().unwrap();
        assert_eq!(owner.get(&id).await.unwrap(), last, "step {step}");
    }

    assert!(history.len() > 100, "{}", history.len());
}
