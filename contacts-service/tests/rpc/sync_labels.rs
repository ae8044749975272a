//! Labels in `SyncContacts` and `WatchContacts`.

use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{Label, ShareRole, SyncContactsResponse};
use sqlx::{AssertSqlSafe, Executor};

use crate::app::App;
use crate::mirror::{Mirror, heard};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::reason;
use crate::replicas::two;

fn names(page: &SyncContactsResponse) -> Vec<&str> {
    page.changed_labels
        .iter()
        .map(|label| &*label.name)
        .collect()
}

/// A label as a sync returns it.
fn uncounted(label: &Label) -> Label {
    Label {
        contact_count: 0,
        ..label.clone()
    }
}

async fn since(owner: &Owner, token: &str) -> SyncContactsResponse {
    owner.sync(token, 500).await.unwrap()
}

#[tokio::test]
async fn the_first_sync_has_all_labels() {
    let app = App::start().await;
    let owner = app.owner();
    let created = owner.create_label("Empty").await.unwrap();
    owner.has(labelled(&["Work", "Family"])).await;
    let gone = owner.create_label("Gone").await.unwrap();
    owner.delete_label(&gone.id, "").await.unwrap();

    let page = since(&owner, "").await;

    assert_eq!(page.changed_labels[0], created);
    assert_eq!(names(&page).len(), 3);
    assert!(names(&page).contains(&"Work") && names(&page).contains(&"Family"));
    assert_eq!(page.deleted_label_ids, [""; 0]);
    assert_eq!(page.deleted_ids, [""; 0]);
    let again = since(&owner, &page.next_sync_token).await;
    assert_eq!(names(&again), [""; 0]);
    assert_eq!(again.deleted_label_ids, [""; 0]);
}

#[tokio::test]
async fn a_sync_has_the_labels_that_changed_and_no_others() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(labelled(&["Work", "Family"])).await;
    let first = since(&owner, "").await;

    let created = owner.create_label("New").await.unwrap();
    let page = since(&owner, &first.next_sync_token).await;
    assert_eq!(page.changed_labels, std::slice::from_ref(&created));
    assert_eq!(page.changed, []);

    let work = owner.label("Work").await;
    let work = owner.rename_label(&work, "Office").await.unwrap();
    let page = since(&owner, &page.next_sync_token).await;
    assert_eq!(page.changed_labels, [uncounted(&work)]);
    assert_eq!(page.changed[0].labels, ["Office", "Family"]);

    // The members of a label are not part of it.
    let members = owner.modify_members(&created.id, &[&contact.id], &[]).await;
    members.unwrap();
    let page = since(&owner, &page.next_sync_token).await;
    assert_eq!((names(&page), page.changed.len()), (vec![], 1));

    owner.delete_label(&work.id, "").await.unwrap();
    owner.delete_label(&created.id, "").await.unwrap();
    let page = since(&owner, &page.next_sync_token).await;
    assert_eq!(page.deleted_label_ids, [work.id, created.id]);
    assert_eq!((names(&page), page.deleted_ids.len()), (vec![], 0));
    assert_eq!(page.changed[0].labels, ["Family"]);
}

#[tokio::test]
async fn a_token_from_before_very_many_deletions_expires() {
    let app = App::start().await;
    let owner = app.owner();
    let first = since(&owner, "").await;
    for (count, is_expired) in [(1, false), (1999, false), (1, true)] {
        let label = owner.create_label("Gone").await.unwrap();
        owner.delete_label(&label.id, "").await.unwrap();
        let more = format!(
            "INSERT INTO contacts.tombstones (owner_id, version, id, purge_time, is_label)
             SELECT owner_id, version, gen_random_uuid(), now(), TRUE
             FROM contacts.owner_state, generate_series(2, {count})"
        );
        let mut db = app.admin().await;
        db.execute(AssertSqlSafe(more)).await.unwrap();

        let answer = owner.sync(&first.next_sync_token, 500).await;

        match answer {
            Ok(page) => assert!(!is_expired && !page.deleted_label_ids.is_empty()),
            Err(refused) => assert!(is_expired && reason(&refused) == "SYNC_TOKEN_EXPIRED"),
        }
    }
    let page = since(&owner, "").await;
    assert_eq!(page.deleted_label_ids, [""; 0]);
}

#[tokio::test]
async fn a_label_that_a_contact_brings_is_synced_with_it() {
    let app = App::start().await;
    let owner = app.owner();
    let mut token = since(&owner, "").await.next_sync_token;

    for (written, new) in [
        (&["Work"][..], &["Work"][..]),
        (&["WORK", "Family"], &["Family"]),
        (&["family"], &[]),
        (&["दादी", "दादा"], &["दादा", "दादी"]),
    ] {
        let contact = owner.has(labelled(written)).await;
        let page = since(&owner, &token).await;
        let mut found = names(&page);
        found.sort_unstable();
        assert_eq!(found, new);
        assert_eq!(page.changed, [contact]);
        token = page.next_sync_token;
    }
}

#[tokio::test]
async fn pages_of_one_have_every_label_once_before_its_contacts() {
    let app = App::start().await;
    let owner = app.owner();
    for number in 0..12 {
        let label = format!("Label{}", number % 7);
        owner.has(labelled(&[&label, "All"])).await;
    }
    let label = owner.label("All").await;
    owner.rename_label(&label, "Everybody").await.unwrap();
    let (mut token, mut known, mut count) = (String::new(), Vec::new(), 0);
    loop {
        let page = owner.sync(&token, 1).await.unwrap();
        for label in page.changed_labels {
            assert!(!known.contains(&label.name), "{}", label.name);
            known.push(label.name);
        }
        for label in page.changed.iter().flat_map(|contact| &contact.labels) {
            assert!(known.contains(label), "{label}");
        }
        count += page.changed.len();
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
    }
    assert_eq!((known.len(), count), (8, 12));
}

#[tokio::test]
async fn a_watch_tells_of_labels_before_their_contacts() {
    let app = App::start().await;
    let owner = app.owner();
    let mut events = owner.watch("").await.unwrap();
    let mut next = async || heard(&mut events).await.event.unwrap();
    assert!(matches!(next().await, Event::CaughtUp(_)));

    let created = owner.create_label("New").await.unwrap();
    assert_eq!(next().await, Event::LabelChanged(created.clone()));
    let contact = owner.has(labelled(&["NEW", "Work"])).await;
    let work = owner.label("Work").await;
    assert_eq!(next().await, Event::LabelChanged(uncounted(&work)));
    assert_eq!(next().await, Event::Changed(contact));
    let renamed = owner.rename_label(&created, "Newer").await.unwrap();
    assert_eq!(next().await, Event::LabelChanged(uncounted(&renamed)));
    assert!(matches!(next().await, Event::Changed(_)));
    owner.delete_label(&renamed.id, "").await.unwrap();
    assert_eq!(next().await, Event::LabelDeleted(renamed.id));
    assert!(matches!(next().await, Event::Changed(_)));
}

#[tokio::test]
async fn a_watch_resumed_at_any_event_misses_no_label() {
    let app = App::start().await;
    let owner = app.owner();
    let mut events = owner.watch("").await.unwrap();
    for number in 0..4 {
        owner.has(labelled(&[&format!("Label{number}")])).await;
    }
    let label = owner.label("Label1").await;
    owner.rename_label(&label, "Renamed").await.unwrap();
    let label = owner.label("Label2").await;
    owner.delete_label(&label.id, "").await.unwrap();
    let mut mirrors = vec![Mirror::default()];
    let mut mirror = Mirror::default();
    let last = owner.has(labelled(&["Last"])).await;
    while !mirror.contacts.contains_key(&last.id) {
        mirror.event(heard(&mut events).await);
        mirrors.push(mirror.clone());
    }

    for mut mirror in mirrors {
        let mut events = owner.watch(&mirror.token).await.unwrap();
        mirror.catch_up(&mut events).await;
        mirror.assert_same(&owner).await;
    }
}

#[tokio::test]
async fn what_one_instance_does_to_labels_the_other_one_tells() {
    let app = App::start().await;
    let [here, there] = two(&app).await;
    let mut mirror = Mirror::of(&there).await;

    for name in ["Work", "FAMILY", "दादी"] {
        let label = here.create_label(name).await.unwrap();
        mirror.sync(&there, 1).await;
        mirror.assert_same(&here).await;
        here.delete_label(&label.id, "").await.unwrap();
        mirror.sync(&there, 1).await;
        mirror.assert_same(&here).await;
    }
}

#[tokio::test]
async fn a_recipient_of_a_label_learns_of_it_alone() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    owner.has(labelled(&["Shared", "Secret"])).await;
    let label = owner.label("Shared").await;
    let (shared, _) = owner
        .shares_with(&other, Some(&label), ShareRole::Editor)
        .await;
    let secret = owner.label("Secret").await;

    let page = since(&shared, "").await;
    assert_eq!(page.changed_labels, [uncounted(&label)]);
    let renamed = owner.rename_label(&label, "Ours").await.unwrap();
    owner.rename_label(&secret, "Hidden").await.unwrap();
    owner.create_label("Other").await.unwrap();
    let page = since(&shared, &page.next_sync_token).await;
    assert_eq!(page.changed_labels, [uncounted(&renamed)]);
    owner.delete_label(&secret.id, "").await.unwrap();
    let page = since(&shared, &page.next_sync_token).await;
    assert_eq!(names(&page), [""; 0]);
    assert_eq!(page.deleted_label_ids, [""; 0]);
}

#[tokio::test]
async fn a_recipient_of_everything_learns_of_every_label() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    owner.has(labelled(&["Work", "Family"])).await;
    let (shared, _) = owner.shares_with(&other, None, ShareRole::Reader).await;
    let mut mirror = Mirror::of(&shared).await;
    mirror.assert_same(&owner).await;

    let label = owner.label("Work").await;
    owner.delete_label(&label.id, "").await.unwrap();
    mirror.sync(&shared, 0).await;

    mirror.assert_same(&owner).await;
}
