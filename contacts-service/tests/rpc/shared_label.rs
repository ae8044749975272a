//! What the recipient of a shared label sees.

use std::sync::Arc;

use proto::contacts::v1::{
    Contact, ListContactsRequest, ListUpcomingBirthdaysRequest, SearchContactsRequest, ShareRole,
};
use sqlx::{Connection, PgConnection};
use tonic::{Code, Status};

use crate::app::App;
use crate::mirror::{Mirror, heard};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_refused, reason};
use crate::sample::{ada, date};

/// A contact that every list and search finds, with these labels.
pub fn known(labels: &[&str]) -> Contact {
    Contact {
        birthday: Some(date(1990, 5, 5)),
        ..labelled(labels)
    }
}

pub struct Shared {
    pub owner: Owner,
    /// Calls for the owner's contacts.
    pub other: Owner,
    /// With the label.
    pub friend: Contact,
    /// Without it.
    pub enemy: Contact,
}

/// The label "Friends" of an owner, shared.
pub async fn friends(app: &App, role: ShareRole) -> Shared {
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let friend = owner.has(known(&["Friends", "Work"])).await;
    let enemy = owner.has(known(&["Work"])).await;
    let label = owner.label("Friends").await;
    let (other, _) = owner.shares_with(&other, Some(&label), role).await;
    Shared {
        owner,
        other,
        friend,
        enemy,
    }
}

/// A contact as the recipient of the label sees it.
pub fn seen(contact: &Contact) -> Contact {
    Contact {
        labels: vec!["Friends".into()],
        ..contact.clone()
    }
}

pub fn ids(contacts: impl IntoIterator<Item = Contact>) -> Vec<String> {
    let ids = contacts.into_iter().map(|contact| contact.id);
    ids.collect()
}

#[tokio::test]
async fn a_contact_without_it_is_in_no_list() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let gone = owner.has_deleted(known(&["friends"])).await;
    owner.has_deleted(known(&[])).await;
    let only = &[seen(&friend)][..];

    for filter in ["", "has:birthday", "labels:friends"] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        let page = other.list(request).await.unwrap();
        assert_eq!(page.contacts, only, "{filter}");
        assert_eq!(page.total_size, None);
    }
    let deleted = ListContactsRequest {
        show_deleted: true,
        order_by: "create_time".into(),
        ..ListContactsRequest::default()
    };
    assert_eq!(ids(other.list_all(deleted).await), [&*friend.id, &gone.id]);
    for query in ["ada", "lovelace", "a", "lovelase"] {
        let found = other.found(query).await.into_iter();
        assert_eq!(
            ids(found.map(|result| result.contact.unwrap())),
            [&*friend.id]
        );
    }
    for leap_day in [date(2023, 5, 1), date(2023, 2, 20)] {
        let request = ListUpcomingBirthdaysRequest {
            within_days: Some(90),
            from_date: Some(leap_day),
            ..ListUpcomingBirthdaysRequest::default()
        };
        let birthdays = other.birthdays_all(request).await.into_iter();
        assert_eq!(
            ids(birthdays.map(|day| day.contact.unwrap())),
            [&*friend.id]
        );
    }
    let (found, missing) = other
        .batch_get(&[&enemy.id, &friend.id], true)
        .await
        .unwrap();
    assert_eq!((found, missing), (only.to_vec(), vec![enemy.id.clone()]));
    let refused = other.get(&enemy.id).await;
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(other.label_counts().await, [("Friends".into(), 1)]);
    let work = other.get_label(&owner.label("Work").await.id).await;
    assert_refused(work, Code::NotFound, "LABEL_NOT_FOUND");
}

#[tokio::test]
async fn a_leap_day_without_it_is_not_shown() {
    let app = App::start().await;
    let Shared { owner, other, .. } = friends(&app, ShareRole::Reader).await;
    let born = |labels: &[&str], day| Contact {
        birthday: Some(day),
        ..labelled(labels)
    };
    let shown = owner.has(born(&["Friends"], date(2000, 2, 29))).await;
    owner.has(born(&[], date(2000, 2, 29))).await;
    owner.has(born(&[], date(2001, 2, 28))).await;

    let request = ListUpcomingBirthdaysRequest {
        within_days: Some(0),
        from_date: Some(date(2023, 2, 28)),
        ..ListUpcomingBirthdaysRequest::default()
    };
    let birthdays = other.birthdays_all(request).await.into_iter();

    assert_eq!(ids(birthdays.map(|day| day.contact.unwrap())), [shown.id]);
}

#[tokio::test]
async fn what_a_contact_was_without_it_is_not_shown() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        enemy,
        ..
    } = friends(&app, ShareRole::Reader).await;
    let refused = other.revisions_page(&enemy.id, 0, "").await;
    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    let befriended = Contact {
        labels: vec!["Friends".into()],
        ..enemy.clone()
    };
    let befriended = owner.update(befriended, &["labels"]).await.unwrap();

    let shown = other.revisions(&enemy.id, 1).await;

    let shown: Vec<_> = shown.into_iter().map(|revision| revision.contact).collect();
    assert_eq!(shown, [Some(befriended)]);
    assert_eq!(owner.revisions(&enemy.id, 1).await.len(), 2);
}

#[tokio::test]
async fn copies_of_a_label_follow_it() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        enemy,
    } = friends(&app, ShareRole::Reader).await;
    let mut mirror = Mirror::default();
    mirror.sync(&other, 1).await;
    assert_eq!(mirror.contacts.keys().collect::<Vec<_>>(), [&friend.id]);
    let mut events = other.watch(&mirror.token).await.unwrap();
    mirror.catch_up(&mut events).await;

    let with = |contact: &Contact, labels: &[&str]| Contact {
        id: contact.id.clone(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        ..Contact::default()
    };
    owner
        .update(with(&enemy, &["Friends"]), &["labels"])
        .await
        .unwrap();
    owner.update(with(&friend, &[]), &["labels"]).await.unwrap();
    let other_one = owner.has(ada()).await;
    while !mirror.contacts.contains_key(&enemy.id) || mirror.contacts.len() > 1 {
        mirror.event(heard(&mut events).await);
    }
    // Its new name is the same label.
    let label = owner.label("Friends").await;
    owner.rename_label(&label, "Amis").await.unwrap();
    while mirror.contacts[&enemy.id].labels != ["Amis"] {
        mirror.event(heard(&mut events).await);
    }
    owner
        .update(with(&other_one, &["Amis"]), &["labels"])
        .await
        .unwrap();
    mirror.sync(&other, 1).await;

    mirror.assert_same(&other).await;
    assert_eq!(mirror.contacts.len(), 2);
}

/// One read of each kind that compares the names of labels.
async fn read(shared: &Shared, label: &str, kind: usize) -> Result<(), Status> {
    let (other, id) = (&shared.other, &*shared.friend.id);
    match kind {
        0 => other.get(id).await.map(drop),
        1 => other.batch_get(&[id], false).await.map(drop),
        2 => other.list(ListContactsRequest::default()).await.map(drop),
        3 => other.revisions_page(id, 0, "").await.map(drop),
        4 => {
            let request = SearchContactsRequest {
                query: "ada".into(),
                ..SearchContactsRequest::default()
            };
            other.search(request).await.map(drop)
        }
        5 => {
            let request = ListUpcomingBirthdaysRequest {
                within_days: Some(366),
                ..ListUpcomingBirthdaysRequest::default()
            };
            other.birthdays(request).await.map(drop)
        }
        6 => other.get_label(label).await.map(drop),
        _ => other.list_labels(0, "").await.map(drop),
    }
}

/// Two labels swap their names between the read of the shares and the read of the
/// contacts.
#[tokio::test]
async fn labels_that_swap_their_names_meanwhile_show_nothing_of_each_other() {
    let app = App::start().await;
    let shared = Arc::new(friends(&app, ShareRole::Reader).await);
    let label = shared.owner.label("Friends").await.id;
    let mut db = app.admin().await;
    for kind in 0..8 {
        let mut swap = db.begin().await.unwrap();
        let lock = "LOCK TABLE contacts.contacts IN ACCESS EXCLUSIVE MODE";
        sqlx::query(lock).execute(&mut *swap).await.unwrap();

        let (reader, id) = (Arc::clone(&shared), label.clone());
        let late = tokio::spawn(async move { read(&reader, &id, kind).await });
        app.waiting_for_a_lock(1).await;
        let names = [("friends", "x"), ("work", "friends"), ("x", "work")];
        for (old, new) in names {
            rename(&mut swap, &shared.owner, old, new).await;
        }
        swap.commit().await.unwrap();

        let refusal = late.await.unwrap().unwrap_err();
        assert_eq!(refusal.code(), Code::Aborted, "{kind}");
        assert_eq!(reason(&refusal), "SHARE_CHANGED", "{kind}");
        for (old, new) in names {
            rename(&mut db, &shared.owner, old, new).await;
        }
        read(&shared, &label, kind).await.unwrap();
    }
}

async fn rename(db: &mut PgConnection, owner: &Owner, old: &str, new: &str) {
    let rename = "UPDATE contacts.labels SET name_key = $3 WHERE owner_id = $1 AND name_key = $2";
    let rename = sqlx::query(rename).bind(owner.user).bind(old).bind(new);
    rename.execute(db).await.unwrap();
}

#[tokio::test]
async fn who_begins_with_nothing_hears_of_no_other_contact() {
    let app = App::start().await;
    let Shared {
        owner,
        other,
        friend,
        ..
    } = friends(&app, ShareRole::Reader).await;
    owner.has_all((0..5).map(|_| ada())).await;
    owner.has_deleted(ada()).await;

    let (mut told, mut token) = (Vec::new(), String::new());
    loop {
        let page = other.sync(&token, 2).await.unwrap();
        assert_eq!(page.deleted_ids, Vec::<String>::new());
        told.extend(page.changed);
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
    }

    assert_eq!(told, [seen(&friend)]);
}
